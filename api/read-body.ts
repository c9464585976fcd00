import express, { type Request, type Response } from 'express';
import { LIMITS } from '../src/contract/limits.ts';
import { unsupportedMediaType } from './problem-response.ts';

const readJson = express.json({ limit: LIMITS.bodyBytes, type: 'application/json', strict: false });

/** Reads the body into `req.body`, undefined when there is none. Throws for one that is no JSON or too large. */
export async function readBody(req: Request, res: Response): Promise<void> {
  const hasBody =
    req.headers['transfer-encoding'] !== undefined ||
    Number(req.headers['content-length'] ?? 0) > 0;
  if (hasBody && req.is('application/json') === false) {
    throw unsupportedMediaType(`its type is ${req.get('content-type') ?? 'not declared'}`);
  }
  await new Promise<void>((resolve, reject) => {
    readJson(req, res, (error?: unknown) => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error('the body could not be read'));
    });
  });
}
