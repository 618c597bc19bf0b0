import path from 'node:path'

/** The files of a sandbox's directory. */
export const sandboxFiles = (directory: string) => ({
  state: path.join(directory, 'state.json'),
  /** What the edge decided. */
  record: path.join(directory, 'record.jsonl'),
  /** The same, earlier. */
  recordBefore: path.join(directory, 'record-before.jsonl'),
  run: path.join(directory, 'run.json'),
  log: path.join(directory, 'sandbox.log'),
  knownHosts: path.join(directory, 'known_hosts'),
})
