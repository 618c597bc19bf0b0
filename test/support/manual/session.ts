import {spawn} from 'node:child_process'
import {randomBytes} from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import {bin} from '../built-zt.js'
import {NSS_WRAPPER} from '../nss-wrapper.js'
import type {Session, Step, Typed} from './parse.js'
import {onScreen} from './screen.js'

/** What a step has shown, as the terminal got it, and how it ended; undefined if the session ended before. */
export type Shown = {lines: string[]; exitCode: number; raw: string} | undefined

export interface SessionEnd {
  home: string
  /** One for each step. */
  shown: Shown[]
}

/** Programs for the pages' hidden preparations. */
const PROGRAMS = path.join(import.meta.dirname, 'programs')

/**
 * Runs the steps of a page in one bash, on a terminal of 80 columns, in a home and a working directory of its own. What is
 * left running is ended with it. stdin is empty, except of a command whose stdin is the terminal.
 *
 * @param session its seed is a path
 */
export async function runSession(steps: readonly Step[], session: Session): Promise<SessionEnd> {
  // A name of one length: it is replaced by SHOWN_HOME, of the same.
  const home = await fs.mkdtemp('/tmp/')
  const beside = await fs.mkdtemp('/tmp/zt-manual-')
  const work = path.join(home, 'work')
  const mark = randomBytes(8).toString('hex')
  try {
    await fs.mkdir(work)
    await writeZt(path.join(beside, 'bin'))
    // ssh and zt find ~/.ssh by the system's user database, whatever HOME says.
    const passwd = path.join(beside, 'passwd')
    await fs.writeFile(passwd, `maria:x:${process.getuid?.()}:${process.getgid?.()}::${home}:/bin/bash\n`)
    const env: NodeJS.ProcessEnv = {
      ...{HOME: home, USER: 'maria', LOGNAME: 'maria', SHELL: '/bin/bash', LANG: 'C.UTF-8'},
      PATH: `${path.join(beside, 'bin')}:${PROGRAMS}:${process.env['PATH'] ?? ''}`,
      ...{
        LD_PRELOAD: NSS_WRAPPER,
        NSS_WRAPPER_PASSWD: passwd,
        NSS_WRAPPER_GROUP: '/etc/group',
      },
      ...{TERM: 'xterm-256color', NO_COLOR: '1', PAGER: 'cat', ZT_PATIENCE: '40'},
      // Names a wrapped program may need, and nothing of whoever runs the test.
      ...{GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0'},
    }
    const all: Step[] = [...beginning(session), ...steps]
    await fs.writeFile(path.join(beside, 'session.sh'), await script(all, {beside, home, work, mark}))
    const output = await onTerminal(path.join(beside, 'session.sh'), {env, cwd: work, all, mark})
    const shown = shownOf(output, mark, all.length)
    const failed = beginning(session).findIndex((_, at) => shown[at]?.exitCode !== 0)
    if (failed >= 0)
      throw new Error(`the session did not begin:\n${shown[failed]?.lines.join('\n') ?? output}`)
    return {home, shown: shown.slice(all.length - steps.length)}
  } finally {
    await endProcesses(home)
    for (const directory of [home, beside]) await fs.rm(directory, {recursive: true, force: true})
  }
}

/** What a session runs before its page. */
function beginning({sandbox, seed}: Session): Step[] {
  if (!sandbox) return []
  const start = seed === undefined ? 'zt sandbox start' : `zt sandbox start --seed '${seed}'`
  return [{kind: 'hidden', line: 0, command: `${start} && zt profile use sandbox`}]
}

async function writeZt(directory: string): Promise<void> {
  await fs.mkdir(directory)
  const zt = `#!/bin/sh\nexec '${process.execPath}' '${bin}' "$@"\n`
  await fs.writeFile(path.join(directory, 'zt'), zt, {mode: 0o755})
}

interface Place {
  beside: string
  home: string
  work: string
  mark: string
}

/** The session as a script: each command is a file of its own, so that an error of syntax in it ends only itself. */
async function script(steps: readonly Step[], {beside, home, work, mark}: Place): Promise<string> {
  const lines: string[] = []
  for (const [at, step] of steps.entries()) {
    const file = path.join(beside, `step-${at}`)
    if (step.kind === 'file') {
      const to = step.name.startsWith('~/') ? path.join(home, step.name.slice(2)) : path.join(work, step.name)
      await fs.writeFile(file, step.text)
      lines.push(`mkdir -p '${path.dirname(to)}' && cp '${file}' '${to}'`)
    } else {
      await fs.writeFile(file, `${step.command}\n`)
      const isAsked = step.kind === 'command' && step.tty
      lines.push(`. '${file}'${isAsked ? '' : ' </dev/null'}`)
    }
    // In a line of its own, wherever the cursor is.
    lines.push(`printf '\\n%s %s\\n' ${mark} $?`)
  }
  return `${lines.join('\n')}\n`
}

interface Watched {
  env: NodeJS.ProcessEnv
  cwd: string
  all: readonly Step[]
  mark: string
}

/** Runs the script on a pseudo-terminal, types what steps want typed, and returns all that the terminal got. */
function onTerminal(file: string, {env, cwd, all, mark}: Watched): Promise<string> {
  const command = `stty cols 80 rows 24; exec bash --noprofile --norc '${file}'`
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      env,
      cwd,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    let output = ''
    /** What is still to be typed, of each block. */
    const left = new Map<readonly Typed[], Typed[]>()
    let from = 0
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      const at = output.split(`${mark} `).length - 1
      const step = all[at]
      const typed = step?.kind === 'command' ? step.typed : []
      const queue = left.get(typed) ?? [...typed]
      left.set(typed, queue)
      const [next] = queue
      const screen = onScreen(output.slice(from))
      // A question that the page does not answer would wait for ever. One that it answers is drawn again with the answer.
      const last = screen.at(-1) ?? ''
      const isAsked =
        next === undefined && /^\? /.test(last) && !typed.some(({shown}) => last.includes(shown))
      if (!isAsked && (next === undefined || !screen.join('\n').includes(next.shown))) return
      queue.shift()
      from = output.length
      child.stdin.write(next === undefined ? '\u0003' : `${next.keys}\r`)
    })
    child.stdin.on('error', () => undefined)
    child.once('error', reject)
    child.once('close', () => {
      resolve(output)
    })
  })
}

function shownOf(output: string, mark: string, steps: number): Shown[] {
  const parts = output.split(new RegExp(`\\r?\\n${mark} (\\d+)\\r\\n`))
  return Array.from({length: steps}, (_, at) => {
    const [text, code] = parts.slice(at * 2)
    if (text === undefined || code === undefined) return undefined
    return {lines: onScreen(text), exitCode: Number(code), raw: text}
  })
}

/** Ends what the session has left running: everything that has its home directory in the environment. */
async function endProcesses(home: string): Promise<void> {
  const mine = async (): Promise<number[]> => {
    const pids = (await fs.readdir('/proc')).filter((name) => /^\d+$/.test(name))
    const environments = pids.map((pid) => fs.readFile(`/proc/${pid}/environ`, 'utf8').catch(() => ''))
    return (await Promise.all(environments)).flatMap((text, at) =>
      text.split('\0').includes(`HOME=${home}`) ? [Number(pids[at])] : [],
    )
  }
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    for (const pid of await mine()) {
      try {
        process.kill(pid, signal)
      } catch {
        // It has ended.
      }
    }
    for (let looks = 0; looks < 100 && (await mine()).length > 0; looks++)
      await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
