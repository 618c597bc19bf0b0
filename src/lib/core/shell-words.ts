import {quoteForPerson} from './quote.js'

// What `next:` asks a person to type into their shell besides zt: for sh, or on Windows for both cmd and PowerShell, which
// share few commands. A test looks for such words anywhere else.

/** Whether a step is a command as a whole, which is copied as it is. */
export const isTyped = (step: string): boolean =>
  /^(?:zt|ssh|ssh-keygen|npm|sudo|apt-get|brew|chmod|chown|attrib|ls|dir|rm|del|mkdir|kill|taskkill|export|unset|type|cd|w32tm|secret-tool|security|cmdkey|printf|echo|pass)(?: |$)/.test(
    step,
  )

/** A step that says what its command is for (`To undo it: zt undo ID`), in two parts; undefined: it is something else. */
export function leadAndTyped(step: string): {lead: string; line: string} | undefined {
  const [, lead = '', line = ''] = /^([A-Z][^:]*:) (.+)$/s.exec(step) ?? []
  return isTyped(line) ? {lead, line} : undefined
}

const isWindows = (platform: NodeJS.Platform): boolean => platform === 'win32'

/** Removes variables from the environment. */
export function unsetting(
  names: readonly [string, ...string[]],
  platform: NodeJS.Platform = process.platform,
): string {
  if (!isWindows(platform)) return `unset ${names.join(' ')}`
  const each = (word: (name: string) => string): string => names.map(word).join(', ')
  return `In PowerShell: Remove-Item ${each((name) => `Env:${name}`)}; in cmd: ${names.map((name) => `set ${name}=`).join(' & ')}`
}

/** Sets a variable. The value is of plain characters. */
export function setting(name: string, value: string, platform: NodeJS.Platform = process.platform): string {
  if (!isWindows(platform)) return `export ${name}=${value}`
  return `In PowerShell: $env:${name} = "${value}"; in cmd: set ${name}=${value}`
}

/** Runs a command of zt with a file as its stdin; PowerShell has no `<`. */
export function reading(command: string, platform: NodeJS.Platform = process.platform): string {
  return isWindows(platform) ? `type FILE | ${command}` : `${command} < FILE`
}

/** Shows a file with its mode and owner; `directory` for a directory itself. */
export function listing(
  file: string,
  {directory = false, platform = process.platform}: {directory?: boolean; platform?: NodeJS.Platform} = {},
): string {
  return `${isWindows(platform) ? 'dir' : directory ? 'ls -ld' : 'ls -l'} ${quoteForPerson(file, platform)}`
}

export function removing(file: string, platform: NodeJS.Platform = process.platform): string {
  return `${isWindows(platform) ? 'del' : 'rm'} ${quoteForPerson(file, platform)}`
}

/** Lets the owner of a file write to it. */
export function makingWritable(file: string, platform: NodeJS.Platform = process.platform): string {
  return `${isWindows(platform) ? 'attrib -r' : 'chmod u+w'} ${quoteForPerson(file, platform)}`
}

/** Makes a directory and those above it. */
export function making(directory: string, platform: NodeJS.Platform = process.platform): string {
  return `mkdir ${isWindows(platform) ? '' : '-p '}${quoteForPerson(directory, platform)}`
}

/** Ends a process. */
export function ending(pid: number, platform: NodeJS.Platform = process.platform): string {
  return isWindows(platform) ? `taskkill /pid ${pid} /f` : `kill ${pid}`
}

/** Leaves a directory that is gone. */
export function goingHome(platform: NodeJS.Platform = process.platform): string {
  return isWindows(platform) ? 'cd \\' : 'cd'
}

/** How a program that zt runs is installed, by the package manager of the system. */
export function installing(what: 'curl' | 'ssh', platform: NodeJS.Platform = process.platform): string {
  if (what === 'curl') {
    const how = {win32: 'winget install cURL.cURL', darwin: 'brew install curl'}[platform as string]
    return `Install curl, for example: ${how ?? 'apt-get install curl'}`
  }
  // learn.microsoft.com, "Get started with OpenSSH Server for Windows"; macOS has it.
  return isWindows(platform)
    ? 'Install the optional feature OpenSSH Client: in Settings, System, Optional features'
    : `Install OpenSSH's client, for example: ${platform === 'darwin' ? 'brew install openssh' : 'apt-get install openssh-client'}`
}
