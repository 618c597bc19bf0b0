// Draws the pictures of screens in docs/pictures: starts a sandbox, runs zt on a real terminal (tmux, 80 columns), and draws what
// it shows, light and dark. What differs from run to run (IDs, times, addresses) is replaced by what is the same in each, so that a
// picture changes only with what zt prints. Run it by hand: npm run build, then node scripts/screens.mjs [NAME...].
import {execFile} from 'node:child_process'
import {existsSync} from 'node:fs'
import {appendFile, mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {createHash} from 'node:crypto'
import path from 'node:path'
import {promisify} from 'node:util'
import {pictureOf, THEME_NAMES} from './terminal-picture.mjs'

const COLUMNS = 80
/** A screen is taller than what it shows, so that nothing scrolls away. */
const ROWS = 70
const root = path.resolve(import.meta.dirname, '..')
const run = promisify(execFile)

const DAY = 86_400_000
/** The day that every picture is of. */
const SHOWN_DAY = Date.parse('2026-11-28T00:00:00Z')
const now = Date.now()
const inDays = (days) => new Date(now + days * DAY).toISOString().replace(/\.\d+Z$/, 'Z')
const HOST = 'gitlab-ssh.widgetcorp.tech'

/**
 * The screens, in the order in which they are made: a later one sees what an earlier one has changed.
 * `types`: what a person presses once the screen shows something; the last of them is a screen that stays. `before` and `after`
 * are run without being shown.
 */
const SCREENS = [
  {name: 'demo', line: 'npm run demo', title: 'The demo: a service token is created, refused, admitted by a Service Auth rule, and opens SSH', words: ['node', path.join(root, 'scripts', 'demo.mjs')]},
  {name: 'help', line: 'zt token --help', title: 'Help: the commands for service tokens'},
  {name: 'token-create', line: 'zt token create gitlab-admin', title: 'A service token is created, and its secret saved'},
  {name: 'refusal', line: `zt ssh git@${HOST} --token gitlab-admin --yes`, title: 'Access refuses the token, and zt says why and what to do'},
  {name: 'app-explain', line: 'zt app explain GitLab --token gitlab-admin', title: 'How each rule of an application applies to a service token'},
  {name: 'app-add-rule', line: 'zt app add-rule GitLab --service-auth --token gitlab-admin', title: 'A Service Auth rule is added: the difference, what it opens, and a question', types: [[/Add it\?/, 'y', 'Enter']]},
  {name: 'token-list', line: 'zt token list', title: 'The service tokens of an account'},
  {name: 'token-reach', line: 'zt token reach deploy', title: 'The applications that a service token opens, and by which rules'},
  {name: 'token-activity', line: 'zt token activity deploy --since 60d', title: 'What Access recorded of a service token: by rule, by place and by day'},
  {name: 'token-audit', line: 'zt token audit', title: 'What needs attention in an account'},
  {name: 'search', line: 'zt token show', title: 'A long list is searched by typing', types: [[/type filter/, 'r', 'u', 'n'], [/run\n/]]},
  {name: 'doctor', line: 'zt doctor --offline', title: 'What is checked on a machine, and what is wrong', before: 'chmod go+r ~/.config/zt/identity.txt', after: 'chmod go-r ~/.config/zt/identity.txt'},
  {name: 'setup', line: `zt setup git@${HOST}`, title: 'SSH to a host in one go: the plan, one question, and the banner', before: 'zt token revoke gitlab-admin --detach --yes', types: [[/Set it up\?/, 'y', 'Enter']]},
] // prettier-ignore

const TOKENS = {
  backup: 34,
  deploy: 19,
  'gitlab-runner': 210,
  metrics: 330,
  mirror: -12,
  nightly: 96,
  scanner: 98,
  terraform: 260,
}
/** Who may enter. */
const APPS = {
  Build: ['gitlab-runner', 'nightly', 'deploy'],
  Grafana: ['metrics', 'terraform'],
  Registry: ['deploy', 'gitlab-runner', 'scanner'],
  Vault: ['backup', 'deploy', 'terraform'],
} // prettier-ignore
const isUsed = (name) => Object.values(APPS).flat().includes(name) && !['nightly', 'scanner'].includes(name)
const idOf = (text) =>
  createHash('sha256')
    .update(text)
    .digest('hex')
    .replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/, '$1-$2-4$3-8$4-$5')
const ACCOUNT = '2f5a7c10b3d94e6f8a1c0d2e3f405162'
const STAFF = idOf('staff')
const created_at = inDays(-200)
const SEED = {
  accounts: [{id: ACCOUNT, name: 'Widgetcorp', type: 'standard'}],
  zones: [{id: '9a7806061c88ada191ed06f989cc3dac', name: 'widgetcorp.tech', status: 'active', account: {id: ACCOUNT}}],
  service_tokens: Object.entries(TOKENS).map(([name, days]) => ({
    ...{id: idOf(name), name, client_id: `${idOf(name).replaceAll('-', '')}.access`, client_secret: idOf(`${name} secret`)},
    ...{created_at, expires_at: inDays(days), duration: '8760h'},
    ...(isUsed(name) && {last_seen_at: inDays(0)}),
  })),
  policies: [
    {id: STAFF, name: 'Widgetcorp staff', decision: 'allow', created_at, include: [{email_domain: {domain: 'widgetcorp.tech'}}]},
    ...Object.entries(APPS).map(([app, who]) => ({
      ...{id: idOf(`policy ${app}`), name: `${app} machines`, decision: 'non_identity', created_at},
      include: who.map((name) => ({service_token: {token_id: idOf(name)}})),
      require: app === 'Vault' ? [{geo: {country_code: 'DE'}}] : [],
    })),
  ],
  apps: [
    {id: idOf('app GitLab'), name: 'GitLab', type: 'self_hosted', domain: HOST, created_at, policies: [{id: STAFF, precedence: 1}]},
    ...Object.keys(APPS).map((name) => ({
      ...{id: idOf(`app ${name}`), name, type: 'self_hosted', domain: `${name.toLowerCase()}.widgetcorp.tech`, created_at},
      policies: [{id: idOf(`policy ${name}`), precedence: 1}],
    })),
  ],
} // prettier-ignore

/** What the edge recorded: more on weekdays, and some refused. */
const EVENTS = Array.from({length: 60}, (_, ago) => ago).flatMap((ago) =>
  Object.entries(APPS).flatMap(([app, who]) =>
    who.flatMap((name, at) => {
      const times = !isUsed(name) ? 0 : ((ago * 7 + at * 3) % 9) + (ago % 7 < 5 ? 4 : 0)
      return Array.from({length: times}, (_, nth) => {
        const admitted = app !== 'Vault' || nth % 6 > 0
        return {
          ...{at: now - ago * DAY - 60_000 - nth * 1000, ray: '8f1e2d3c4b5a6978', appId: idOf(`app ${app}`), admitted},
          ...{policyId: admitted ? idOf(`policy ${app}`) : '', tokenId: idOf(name), session: false, kind: 'attempt'},
          ...{ip: nth % 4 === 3 ? '198.51.100.24' : '203.0.113.7', country: app === 'Vault' && !admitted ? 'FR' : 'DE'},
        }
      })
    }),
  ),
) // prettier-ignore

/** As long as what is shown in its place, because zt wraps paths. */
const home = await mkdtemp('/tmp/')
const SHOWN_HOME = '/home/alice'
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^(ZT|CLOUDFLARE|CF_ACCESS|TUNNEL|XDG|LC|NODE|SSL)_|^(NO_COLOR|FORCE_COLOR|CI|TMUX)$/.test(name),
  ),
)
Object.assign(env, {
  HOME: home,
  SHELL: '/bin/bash',
  LANG: 'C.UTF-8',
  TERM: 'xterm-256color',
  ZT_STORE: 'vault',
})
// ssh, and zt for it, find ~/.ssh by the system's user database, whatever HOME says.
const passwd = path.join(home, 'passwd')
await writeFile(passwd, `alice:x:${process.getuid()}:${process.getgid()}::${home}:/bin/bash\n`)
Object.assign(env, {
  LD_PRELOAD: 'libnss_wrapper.so',
  NSS_WRAPPER_PASSWD: passwd,
  NSS_WRAPPER_GROUP: '/etc/group',
})
if ((await run('true', [], {env})).stderr !== '') throw new Error('libnss-wrapper is not installed')
env.PATH = `${path.join(home, 'bin')}:${env.PATH}`
const zt = (...argv) => run(path.join(home, 'bin', 'zt'), argv, {env, cwd: home})
const quote = (word) => `'${word.replaceAll("'", `'\\''`)}'`

/** What a terminal shows of a command, line by line. */
async function screenOf({name, line, words, types = []}) {
  // One server for each: the last one may still be ending.
  const socket = path.join(home, name)
  const tmux = async (...argv) => (await run('tmux', ['-S', socket, ...argv], {env, cwd: home})).stdout
  const ended = path.join(home, 'ended')
  const command = words ? words.map(quote).join(' ') : line
  const script = `printf '\\033[1m$ %s\\033[0m\\n' ${quote(line)}; ${command}; echo > ${quote(ended)}; exec sleep 600`
  await tmux(
    '-f',
    '/dev/null',
    'new-session',
    '-d',
    '-x',
    String(COLUMNS),
    '-y',
    String(ROWS),
    'sh',
    '-c',
    script,
  )
  try {
    const until = async (met) => {
      while (!(await met())) await new Promise((resolve) => setTimeout(resolve, 50))
    }
    for (const [shows, ...keys] of types) {
      await until(async () => shows.test(await tmux('capture-pane', '-p')))
      for (const key of keys) await tmux('send-keys', key)
    }
    const stays = types.at(-1)?.length === 1
    if (!stays) await until(() => existsSync(ended))
    return (await tmux('capture-pane', '-p', '-e')).trimEnd().split('\n')
  } finally {
    await tmux('kill-server')
    await rm(ended, {force: true})
  }
}

/** The same screen on every day and machine. Each replacement is as wide as what it replaces. */
function stable(name, lines) {
  const replaced = new Map()
  const digits = (found, kind) => {
    if (!replaced.has(found)) replaced.set(found, createHash('sha256').update(`${name} ${kind} ${replaced.size}`).digest('hex'))
    const hex = replaced.get(found)
    return [...found].map((sign, at) => (/[0-9a-f]/.test(sign) ? hex[at % hex.length] : sign)).join('')
  } // prettier-ignore
  const seeded = JSON.stringify(SEED)
  const shift = SHOWN_DAY - Math.floor(now / DAY) * DAY
  return lines.map((line) =>
    line
      .replace(/(?<![0-9a-f])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}(?=\.access)|[0-9a-f]{16}(?=-ZT))/g, (found) =>
        seeded.includes(found) ? found : digits(found, 'id'),
      )
      .replace(/(?<!\d)\d{4}-\d\d-\d\d(?!\d)/g, (day) => new Date(Date.parse(day) + shift).toISOString().slice(0, 10))
      .replace(/T\d\d:\d\d:\d\d/g, 'T09:30:00')
      .replace(/(?<=127\.0\.0\.1:)\d+/g, (port) => '40001'.slice(0, port.length))
      .replace(/\(\d+\.\d s\)/g, '(3.1 s)')
      .replace(/\d+(?= GiB free)/g, '44')
      .replaceAll(root, `${SHOWN_HOME}/zt`)
      .replace(/(?<=zt undo )\w{9}/, '0tn1q8wz4')
      .replaceAll(home, SHOWN_HOME)
      .replace(/\/tmp\/zt-demo-\w{6}\/(\w+)/g, `${SHOWN_HOME}/.$1`),
  ) // prettier-ignore
}

async function main(wanted) {
  const names = SCREENS.map(({name}) => name)
  const unknown = wanted.filter((name) => !names.includes(name))
  if (unknown.length > 0) throw new Error(`no screen is ${unknown.join(', ')}; there are ${names.join(', ')}`)
  await mkdir(path.join(home, 'bin'))
  const start = `#!/bin/sh\nexec ${quote(process.execPath)} ${quote(path.join(root, 'bin', 'zt.cjs'))} "$@"\n`
  await writeFile(path.join(home, 'bin', 'zt'), start, {mode: 0o755})
  await writeFile(path.join(home, 'seed.json'), JSON.stringify(SEED))
  await zt('sandbox', 'start', '--seed', 'seed.json', '--country-of', '127.0.0.0/8=DE')
  await zt('profile', 'use', 'sandbox')
  // It reads its record when it starts.
  await zt('sandbox', 'stop')
  const record = path.join(home, '.local', 'state', 'zt', 'sandbox', 'record.jsonl')
  await appendFile(record, EVENTS.sort((a, b) => a.at - b.at).map((event) => `${JSON.stringify(event)}\n`).join('')) // prettier-ignore
  await zt('sandbox', 'start', '--country-of', '127.0.0.0/8=DE')
  for (const screen of SCREENS) {
    if (screen.before !== undefined) await run('sh', ['-c', screen.before], {env, cwd: home})
    const lines = stable(screen.name, await screenOf(screen))
    if (screen.after !== undefined) await run('sh', ['-c', screen.after], {env, cwd: home})
    if (wanted.length > 0 && !wanted.includes(screen.name)) continue
    for (const theme of THEME_NAMES) {
      const file = path.join(root, 'docs', 'pictures', `${screen.name}-${theme}.svg`)
      await writeFile(file, pictureOf({title: screen.title, lines, columns: COLUMNS}, theme))
    }
    console.log(`docs/pictures/${screen.name}-{${THEME_NAMES.join(',')}}.svg: ${lines.length} lines`)
  }
}

try {
  await main(process.argv.slice(2))
} finally {
  await zt('sandbox', 'stop').catch(() => undefined)
  await rm(home, {recursive: true, force: true})
}
