/** Letters of ssh's options that take a value (ssh(1)). */
const WITH_VALUE = 'BDEFIJLOPQRSWbceilmopw'

/**
 * Options that change what one session does, and not the connection or who it is opened as. -S, -M and -O are about
 * sharing itself.
 */
const OF_THE_SESSION = 'EGMNOQSTVWenqsty'

/**
 * What would outlive its session, or be another one's, in a connection that is shared: forwarded ports and agents, a
 * background process; and -v, as who looks for a fault wants to see the handshake.
 */
const OF_ITS_OWN = 'ADKLRXYfvw'
const OWN_KEYWORD =
  /^(localforward|remoteforward|dynamicforward|forwardagent|forwardx11|forwardx11trusted|gssapidelegatecredentials|tunnel|tunneldevice|forkafterauthentication)$/
const SHARING_KEYWORD = /^control(master|path|persist)$/
const NO_MASTER = /^\s*"?controlmaster"?[\s=]+"?(no|false)"?\s*$/i

export interface SharingWishes {
  /** False when these arguments say how to share, or ask for what must not be shared. */
  share: boolean
  /** They say by what to share: a socket's path, or that there is to be a master. Then nothing of ours is said. */
  said: boolean
  /** Everything that makes it another connection (an identity, a port, a cipher), in its order. */
  connection: string[]
}

/** What ssh's arguments behind the host say about sharing its connection. They end where the remote command begins. */
export function sharingWishes(args: readonly string[]): SharingWishes {
  const wishes: SharingWishes = {share: true, said: false, connection: []}
  for (const {letter, value} of readOptions(args)) {
    const keyword = letter === 'o' ? keywordOf(value) : ''
    // Neither "no master" nor how long one stays keeps ssh from a socket that a configuration names.
    if (letter === 'S' || letter === 'M' || keyword === 'controlpath') wishes.said = true
    if (keyword === 'controlmaster' && !NO_MASTER.test(value)) wishes.said = true
    if (letter === 'S' || letter === 'M' || SHARING_KEYWORD.test(keyword)) wishes.share = false
    else if (OF_ITS_OWN.includes(letter) || OWN_KEYWORD.test(keyword)) wishes.share = false
    else if (keyword === 'loglevel' && /debug|verbose/i.test(value)) wishes.share = false
    else if (!OF_THE_SESSION.includes(letter)) wishes.connection.push(letter + value)
  }
  return wishes
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
      // A tag since OpenSSH 9.4, before that a letter without a value.
      const valueless = letter === 'P' && i + 1 === word.length && (args[at + 1] ?? '-').startsWith('-')
      if (valueless) yield {letter, value: ''}
      else yield {letter, value: i + 1 < word.length ? word.slice(i + 1) : (args[++at] ?? '')}
      break
    }
  }
}

/** The keyword of `-o Keyword=value` or `-o "Keyword value"`, in small letters. */
function keywordOf(text: string): string {
  return (/^\s*"?([A-Za-z0-9]+)/.exec(text)?.[1] ?? '').toLowerCase()
}
