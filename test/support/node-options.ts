/** A file as NODE_OPTIONS takes it behind a switch: the path of a checkout may hold blanks (node's cli.md). */
export function inNodeOptions(file: string): string {
  return `"${file.replaceAll(/["\\]/g, '\\$&')}"`
}
