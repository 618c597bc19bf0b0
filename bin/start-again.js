import os from 'node:os'
import tty from 'node:tty'

/** Variables that make node print the data it handles: headers, and its children's arguments and environment. */
const VARIABLES = ['NODE_DEBUG', 'NODE_DEBUG_NATIVE']

/**
 * Switches in NODE_OPTIONS that make node print an error's text before a program can hide it, write its memory or
 * environment to a file, or make recorded connections readable.
 */
const WRITES = /^--(abort-on-uncaught-exception|heapsnapshot|report-|tls-keylog|trace-tls)/
/**
 * Switches that let others read its data: a debugger that every user of this machine can attach, TLS with weak or no
 * encryption, requests that two parsers read differently; and a file in the current directory that may contain any
 * switch.
 */
const OPENS =
  /^--(inspect(-brk|-wait|-brk-node)?|tls-cipher-list|tls-min-v1\.[01]|insecure-http-parser|experimental-(default-)?config-file)$/
/** Switches whose value may be the next word. */
const WITH_VALUE =
  /^--(heapsnapshot|report-(dir|filename|signal)|report-directory|tls-keylog|tls-cipher-list|experimental-config-file)/

/** A file of CAs, which node trusts. */
const AUTHORITIES = 'NODE_EXTRA_CA_CERTS'
/** On Windows: of the current drive, as `/etc/ssl/ca.pem` is, where anyone may have put a file. */
const OF_THE_DRIVE = /^(?:[\\/](?![\\/])|[A-Za-z]:(?![\\/]))/

/**
 * Starts zt again in an environment without these, because node reads them before any program runs. Everything else is
 * passed through: arguments, stdin, stdout, stderr, signals, and the exit code. Returns if there is nothing to remove;
 * otherwise this process ends with the second one.
 *
 * @param {string | undefined} script absolute path of zt.cjs; undefined in the single executable, which is itself the
 *   program and has node's own flags built in
 */
export async function startAgain(script) {
  const {env, aside} = withoutSpies(process.env, script !== undefined)
  if (aside.length === 0) return
  const args = process.argv.slice(2)
  const end = args.indexOf('--')
  if (!(end < 0 ? args : args.slice(0, end)).includes('--json')) {
    const [first, ...more] = aside
    const what = more.length === 0 ? `${first} is` : `${aside.join(', ')} are`
    process.stderr.write(`note:  ${what} ignored: node would ${whatWith(aside)}\n`)
  }
  // With NODE_DEBUG, node would print the environment of the second process here.
  process.stderr.write = () => true
  process._rawDebug = () => undefined
  const {spawn} = await import('node:child_process')
  const words = script === undefined ? [] : [...process.execArgv, script]
  const child = spawn(process.execPath, [...words, ...args], {env, stdio: 'inherit'})
  const pass = (signal) => {
    // An event of the console, which the other process gets too; to send one would end it at once, or fail.
    if (process.platform === 'win32') return
    // On a terminal, Ctrl-C reaches both processes; a second signal would interrupt the clean-up after the first.
    const typed = signal === 'SIGINT' && [0, 1, 2].some((fd) => tty.isatty(fd))
    if (!typed) child.kill(signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGBREAK'].filter(
    (signal) => signal in os.constants.signals,
  )
  for (const signal of signals) process.on(signal, pass)
  const [code, signal] = await new Promise((resolve) => {
    child.once('error', () => resolve([1, null]))
    child.once('exit', (...ends) => resolve(ends))
  })
  for (const one of signals) process.removeListener(one, pass)
  if (signal === null) process.exit(code)
  process.kill(process.pid, signal)
  // This process survived the signal (it was started with it ignored).
  setTimeout(() => process.exit(128 + os.constants.signals[signal]), 1000)
  await new Promise(() => undefined)
}

/**
 * The environment without the variables and switches that make node print, write or expose its data.
 *
 * @param {NodeJS.ProcessEnv} given
 * @param {boolean} readsOptions false for the executable's node, which reads no NODE_OPTIONS
 * @param {NodeJS.Platform} platform
 * @returns {{env: NodeJS.ProcessEnv, aside: string[]}} `aside` names what was removed
 */
export function withoutSpies(given, readsOptions = true, platform = process.platform) {
  const env = {...given}
  const aside = []
  for (const name of VARIABLES) {
    if (env[name]) aside.push(name)
    delete env[name]
  }
  if (platform === 'win32' && OF_THE_DRIVE.test(given[AUTHORITIES] ?? '')) {
    aside.push(AUTHORITIES)
    delete env[AUTHORITIES]
  }
  const words = readsOptions ? wordsOf(given.NODE_OPTIONS ?? '') : []
  const kept = []
  for (let at = 0; at < words.length; at++) {
    // node reads --report_dir as --report-dir.
    const name = words[at].plain
      .split('=')[0]
      .replaceAll('_', '-')
      .replaceAll(/[^ -~]/g, '?')
    if (!WRITES.test(name) && !OPENS.test(name)) {
      kept.push(words[at].given)
      continue
    }
    if (!aside.includes(name)) aside.push(name)
    const takesNext = WITH_VALUE.test(name) && !words[at].plain.includes('=')
    if (takesNext && words[at + 1] !== undefined && !words[at + 1].plain.startsWith('-')) at++
  }
  if (kept.length < words.length) env.NODE_OPTIONS = kept.join(' ')
  return {env, aside}
}

/** @param {string[]} aside */
function whatWith(aside) {
  if (aside.some((name) => OPENS.test(name) || name === AUTHORITIES)) return 'expose credentials to others'
  return aside.every((name) => VARIABLES.includes(name)) ? 'print credentials' : 'print or write credentials'
}

/**
 * NODE_OPTIONS as node splits it: at spaces, except in double quotes, where a backslash escapes the next character.
 *
 * @param {string} text
 * @returns {{given: string, plain: string}[]} as written, and as node reads it
 */
function wordsOf(text) {
  return (text.match(/(?:"(?:\\[^]|[^"\\])*"?|[^ "])+/g) ?? []).map((given) => ({
    given,
    plain: given.replace(/"((?:\\[^]|[^"\\])*)"?/g, (_, quoted) => quoted.replace(/\\([^])/g, '$1')),
  }))
}
