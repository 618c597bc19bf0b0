/** One word of an ssh_config line: in double quotes where ssh would otherwise take it apart. */
export function configWord(word: string): string {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : `"${word.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

/** The value of UserKnownHostsFile: our file first, then the usual ones. */
export function knownHosts(file: string): string {
  return `${configWord(file.replaceAll('%', '%%'))} ~/.ssh/known_hosts ~/.ssh/known_hosts2`
}
