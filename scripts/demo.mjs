// The tutorial as a user would type it, in a separate sandbox: it neither reads nor changes the machine's own configuration,
// and removes what it saves. If a step does not end as it should, the demo exits non-zero.
// --zt FILE uses an installed zt instead of this checkout's.
import {spawn} from 'node:child_process'
import {existsSync} from 'node:fs'
import {mkdtemp, rm} from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {parseArgs} from 'node:util'
import {Chalk} from 'chalk'

const root = path.resolve(import.meta.dirname, '..')
const {zt} = parseArgs({options: {zt: {type: 'string'}}}).values
/** The program to start. */
const [program, ...script] =
  zt === undefined ? [process.execPath, path.join(root, 'bin', 'zt.cjs')] : [path.resolve(zt)]
/** How to start it with what comes before zt's own arguments: with both streams in one, so that their lines keep their order. */
const [first, ...before] =
  process.platform === 'win32'
    ? [program, ...script]
    : ['sh', '-c', 'exec "$0" "$@" 2>&1', program, ...script]
if (!existsSync(program)) {
  console.error(`error: ${program} does not exist`)
  process.exit(2)
}
const host = 'gitlab-ssh.widgetcorp.tech'
const colours = process.env.NO_COLOR ? false : process.env.FORCE_COLOR !== undefined || process.stdout.isTTY
const {bold, dim, green, red} = new Chalk({level: colours ? 1 : 0})

const steps = [
  {title: 'A local Access with the tutorial\'s application "GitLab"', argv: ['sandbox', 'start']},
  {title: 'Work with it from here on', argv: ['profile', 'use', 'sandbox']},
  {
    title: 'Create a service token; its one-time secret is saved, not shown',
    argv: ['token', 'create', 'gitlab-admin'],
    shows: /saved in/i,
  },
  {
    title: 'The application does not admit it yet, and zt says why',
    argv: ['ssh', `git@${host}`, '--token', 'gitlab-admin', '--yes', '--', '-T'],
    fails: true,
    shows: /zt app add-rule/,
  },
  {
    title: 'Add the Service Auth rule',
    argv: ['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'gitlab-admin'],
    shows: /gitlab-admin/,
  },
  {
    title: 'The same again: ssh, through the edge, with the saved credentials',
    argv: ['ssh', `git@${host}`, '--', '-T'],
    shows: /Welcome to GitLab, @\S+!/,
  },
]

const home = await mkdtemp(path.join(os.tmpdir(), 'zt-demo-'))
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => name === 'ZT_PATIENCE' || !/^(ZT|CLOUDFLARE|CF_ACCESS|TUNNEL)_/.test(name),
  ),
)
for (const kind of ['CONFIG', 'DATA', 'STATE', 'CACHE'])
  env[`XDG_${kind}_HOME`] = path.join(home, kind.toLowerCase())
if (colours) env.FORCE_COLOR = '1'
if (process.stdout.isTTY) env.COLUMNS = String(process.stdout.columns)

/** Runs zt, shows its output as it is printed, and returns both streams as one text. */
function run(argv, {quiet = false} = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(first, [...before, ...argv], {
      env,
      cwd: home,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let text = ''
    for (const [stream, sink] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      stream.on('data', (chunk) => {
        text += chunk
        if (!quiet) sink.write(chunk)
      })
    }
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({code: code ?? signal, text}))
  })
}

const quote = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

async function demo() {
  const started = performance.now()
  for (const [at, {title, argv, fails = false, shows}] of steps.entries()) {
    console.log(
      `\n${dim(`${at + 1}/${steps.length}  ${title}`)}\n${bold(`$ zt ${argv.map(quote).join(' ')}`)}`,
    )
    const {code, text} = await run(argv)
    const plain = text.replaceAll(/\u001B\[[0-9;]*m/g, '')
    const wrong =
      (code !== 0) !== fails
        ? `it ended with ${code}, and should have ${fails ? 'failed' : 'succeeded'}`
        : shows && !shows.test(plain)
          ? `what it printed does not match ${shows}`
          : undefined
    if (wrong) throw new Error(`step ${at + 1}: ${wrong}`)
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`\n${green('✓')} Three commands instead of an hour in the dashboard. ${dim(`(${seconds} s)`)}`)
}

/** Removes everything, also after a failure: no process, directory or keychain entry stays behind. */
async function cleanUp() {
  for (const argv of [
    ['sandbox', 'stop'],
    ['sandbox', 'reset', '--profile', 'sandbox', '--yes'],
    ['logout', '--profile', 'sandbox'],
  ]) {
    await run(argv, {quiet: true})
  }
  await rm(home, {recursive: true, force: true})
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => void cleanUp().finally(() => process.exit(130)))
}

if (zt === undefined && !existsSync(path.join(root, 'dist'))) {
  const {buildAll} = await import('./build.mjs')
  await buildAll()
}
try {
  await demo()
} catch (error) {
  console.error(`\n${red('The demo failed:')} ${error.message}`)
  process.exitCode = 1
} finally {
  await cleanUp()
}
