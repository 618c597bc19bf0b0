/** The options of ssh(1) that take a value. */
const WITH_VALUE = 'BDEFIJLOPQRSWbceilmopw'

/** Those that take none. */
const WITHOUT_VALUE = '46AaCfGgKkMNnqsTtVvXxYy'

/** Options that change only the session, not the connection or its user. -S, -M and -O are about sharing itself. */
const OF_THE_SESSION = 'EGMNOQSTVWenqsty'

/**
 * Options that need a connection of their own: forwarded ports and agents and background processes would outlive the
 * session in a shared one or act for others, and -v is used to see the handshake.
 */
const OF_ITS_OWN = 'ADKLRXYfvw'
const OWN_KEYWORD =
  /^(localforward|remoteforward|dynamicforward|forwardagent|forwardx11|forwardx11trusted|gssapidelegatecredentials|tunnel|tunneldevice|forkafterauthentication)$/
const SHARING_KEYWORD = /^control(master|path|persist)$/
const NO_MASTER = /^\s*"?controlmaster"?[\s=]+"?(no|false)"?\s*$/i

/** What ssh does with a word that begins with a dash, for a command line without `--`; undefined if ssh has no such option. */
export function sshOption(word: string): 'alone' | 'takes-next' | undefined {
  for (let at = 1; at < word.length; at++) {
    const letter = word.charAt(at)
    if (WITH_VALUE.includes(letter)) return at + 1 < word.length ? 'alone' : 'takes-next'
    if (!WITHOUT_VALUE.includes(letter)) return undefined
  }
  return 'alone'
}

export interface SharingWishes {
  /** False if the arguments say how to share, or ask for something that must not be shared. */
  share: boolean
  /** They name a socket or ask for a master. Then zt adds no options for sharing. */
  said: boolean
  /** Options that make it another connection (an identity, a port, a cipher), in their order. */
  connection: string[]
}

/** What ssh's arguments after the host say about sharing. They end where the remote command begins. */
export function sharingWishes(args: readonly string[]): SharingWishes {
  const wishes: SharingWishes = {share: true, said: false, connection: []}
  for (const {letter, value} of readOptions(args)) {
    const keyword = letter === 'o' ? keywordOf(value) : ''
    // ControlMaster=no and ControlPersist do not keep ssh from using a socket that the configuration names.
    if (letter === 'S' || letter === 'M' || keyword === 'controlpath') wishes.said = true
    if (keyword === 'controlmaster' && !NO_MASTER.test(value)) wishes.said = true
    if (letter === 'S' || letter === 'M' || SHARING_KEYWORD.test(keyword)) wishes.share = false
    else if (OF_ITS_OWN.includes(letter) || OWN_KEYWORD.test(keyword)) wishes.share = false
    else if (keyword === 'loglevel' && /debug|verbose/i.test(value)) wishes.share = false
    else if (!OF_THE_SESSION.includes(letter)) wishes.connection.push(letter + value)
  }
  return wishes
}

/** ssh's options in words that `ssh -G` can be given: without -F, whose value is apart, and without the remote command. */
export function optionsIn(args: readonly string[]): {options: string[]; file: string | undefined} {
  const options: string[] = []
  let file: string | undefined
  for (const {letter, value} of readOptions(args)) {
    if (letter === 'F') file = value
    else options.push(`-${letter}`, ...(value === '' ? [] : [value]))
  }
  return {options, file}
}

function* readOptions(args: readonly string[]): Generator<{letter: string; value: string}> {
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? ''
    if (word === '--' || !/^-./.test(word)) return
    for (let i = 1; i < word.length; i++) {
      const letter = word.charAt(i)
      if (!WITH_VALUE.includes(letter)) {
        yield {letter, value: ''}
        continue
      }
      // -P takes a tag since OpenSSH 9.4, and no value in older versions.
      const valueless = letter === 'P' && i + 1 === word.length && (args[at + 1] ?? '-').startsWith('-')
      if (valueless) yield {letter, value: ''}
      else yield {letter, value: i + 1 < word.length ? word.slice(i + 1) : (args[++at] ?? '')}
      break
    }
  }
}

/** The keyword of `-o Keyword=value` or `-o "Keyword value"`, in lower case. */
function keywordOf(text: string): string {
  return (/^\s*"?([A-Za-z0-9]+)/.exec(text)?.[1] ?? '').toLowerCase()
}
