/** Marks a case that the types exclude; reaching it means that data from outside was not parsed. */
export function assertNever(value: never): never {
  throw new Error(`unexpected case: ${JSON.stringify(value)}`);
}
