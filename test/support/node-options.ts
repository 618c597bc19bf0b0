/** A file name as NODE_OPTIONS takes it after a switch: the path of a checkout may contain blanks (node's cli.md). */
export function inNodeOptions(file: string): string {
  return `"${file.replaceAll(/["\\]/g, '\\$&')}"`
}
