/** Environment variables as a value; absent and empty mean the same. */
export type Environment = Readonly<Record<string, string | undefined>>;
