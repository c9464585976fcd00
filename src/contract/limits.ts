import { PROMPT_LIMIT_BYTES } from '../domain/swarm-template.ts';

/** Bounds of one request. Over a size bound the answer is 413 and names the bound. */
export const LIMITS = {
  /** A request's whole body, bytes. */
  bodyBytes: 1024 * 1024,
  /** One prompt, bytes of UTF-8. */
  promptBytes: PROMPT_LIMIT_BYTES,
  /** An output that a person gives when deciding an attempt, bytes of UTF-8. */
  outputBytes: 256 * 1024,
  /** What a person writes beside a decision, bytes of UTF-8. */
  commentBytes: 16 * 1024,
  /** Rows of one page of a list. */
  pageSize: 200,
} as const;
