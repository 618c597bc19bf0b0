import fs from 'node:fs/promises'
import {afterAll, beforeAll, beforeEach, describe, expect, it, vi} from 'vitest'
import stringWidth from 'string-width'
import {bare} from '../../src/lib/cli/styled.js'
import {findingsText} from '../../src/lib/command/present/doctor.js'
import type {SandboxSeed} from '../../src/lib/sandbox/types.js'
import {CommandWorld} from '../support/command-harness.js'
import {COMMAND_SEED} from '../support/command-seed.js'
import {manifest} from '../support/manifest.js'

/** Every name is longer than a line, with wide characters and with words between which it can be wrapped. */
const LONG = ' of the build machines in the second data centre für 日本語の名前, which nothing else uses'
/** In a locale without UTF-8, too, names are as they are. */
const IN_NAMES = /[ü日本語の名前]/gu
const RAY = '8f1e2d3c4b5a6978'
const HOST = 'gitlab.widgetcorp.tech'

const named = <One extends object>(one: One): One => ({
  ...one,
  name: `${'name' in one ? String(one.name) : ''}${LONG}`,
})
const seed: SandboxSeed = {
  ...COMMAND_SEED,
  accounts: COMMAND_SEED.accounts?.map(named) ?? [],
  service_tokens: COMMAND_SEED.service_tokens?.map(named) ?? [],
  groups: COMMAND_SEED.groups?.map(named) ?? [],
  policies: COMMAND_SEED.policies?.map(named) ?? [],
  apps: COMMAND_SEED.apps?.map(named) ?? [],
}

/** They carry bytes of a program, or run until they are stopped; test/e2e has the help and the man pages. */
const ELSEWHERE = /^(ssh:proxy|help$|sandbox:start|__complete)/
const LONG_HOST = 'a-long-name-of-a-host-of-the-machines.widgetcorp.tech'

/** Lines of each other command: as it succeeds, and most also as it fails. */
const LINES: Record<string, string[]> = {
  'app:add-rule': ['app add-rule app-gitlab --service-auth --token token-ci --group group-robots --dry-run', 'app add-rule app-gitlab --service-auth --token token-cd --yes'],
  'app:create': ['app create New --domain new.widgetcorp.tech --service-auth --token token-ci --dry-run', `app create New --domain ${LONG_HOST}`],
  'app:explain': ['app explain app-build --token token-cd', 'app explain app-gitlab --all', 'app explain app-legacy --no-credentials'],
  'app:list': ['app list', 'app list --zone widgetcorp.tech'],
  'app:open': ['app open app-gitlab'],
  'app:remove-rule': ['app remove-rule app-legacy own-first --dry-run', 'app remove-rule app-build policy-cd --yes'],
  'app:set': ['app set app-gitlab --session-duration 1h --dry-run', 'app set app-gitlab'],
  'app:show': ['app show app-build', 'app show app-legacy', 'app show nothing'],
  completion: ['completion'],
  'config:get': ['config get store'],
  'config:list': ['config list'],
  'config:set': ['config set known-hosts-file x'],
  doctor: ['doctor --offline'],
  'forward:list': ['forward list'],
  'forward:stop': ['forward stop elsewhere.example'],
  'group:add-token': ['group add-token group-robots token-cd --dry-run'],
  'group:create': ['group create new --token token-ci --ip 203.0.113.7'],
  'group:delete': ['group delete group-robots --yes', 'group delete group-offices --dry-run'],
  'group:list': ['group list'],
  'group:remove-token': ['group remove-token group-robots token-ci --dry-run'],
  'group:show': ['group show group-robots'],
  login: ['login'],
  logout: ['logout'],
  'policy:attach': ['policy attach policy-spare app-wiki --dry-run'],
  'policy:create': ['policy create new --token token-ci --require-country DE --dry-run'],
  'policy:delete': ['policy delete policy-cd --yes', 'policy delete policy-spare --dry-run'],
  'policy:detach': ['policy detach policy-cd app-build --dry-run'],
  'policy:list': ['policy list'],
  'policy:make-reusable': ['policy make-reusable app-legacy --all --dry-run'],
  'policy:show': ['policy show policy-robots'],
  'policy:test': ['policy test nothing.yaml'],
  'profile:delete': ['profile delete nothing --yes'],
  'profile:list': ['profile list'],
  'profile:rename': ['profile rename default other'],
  'profile:show': ['profile show'],
  'profile:use': ['profile use nothing'],
  ray: [`ray ${RAY}`, 'ray 8f1e2d3c4b5a6979'],
  report: ['report', 'report --since nothing.json'],
  'sandbox:reset': ['sandbox reset'],
  'sandbox:status': ['sandbox status'],
  'sandbox:stop': ['sandbox stop'],
  setup: [`setup ${HOST} --dry-run`, `setup ${LONG_HOST} --dry-run`, `setup ${HOST} --remove --dry-run`],
  'ssh:check': [`ssh check ${HOST}`],
  'ssh:config': [`ssh config ${HOST} --write --file config --dry-run`],
  'store:check': ['store check'],
  'store:list': ['store list'],
  'store:move': ['store move vault --dry-run'],
  'store:use': ['store use vault --dry-run'],
  'token:activity': ['token activity token-ci --since 21d', 'token activity token-cd'],
  'token:audit': ['token audit', 'token audit --kind disabled'],
  'token:create': ['token create new', 'token create new --dry-run'],
  'token:disable': ['token disable token-ci --dry-run'],
  'token:enable': ['token enable token-off --dry-run'],
  'token:import': ['token import token-ci'],
  'token:list': ['token list', 'token list --limit 1'],
  'token:reach': ['token reach token-ci', 'token reach token-off'],
  'token:recover': ['token recover'],
  'token:refresh': ['token refresh token-ci --dry-run'],
  'token:rename': ['token rename token-ci other --dry-run'],
  'token:revoke': ['token revoke token-ci --dry-run', 'token revoke token-ci --detach --dry-run'],
  'token:rotate': ['token rotate token-ci --dry-run'],
  'token:show': ['token show token-ci', 'token show nothing'],
  undo: ['undo', 'undo --last --dry-run'],
  version: ['version'],
  whoami: ['whoami'],
  // The last ones have another program, in place of which a test's runs, and a token that is bound to a host.
  exec: [
    'exec deploy env -i A=1',
    'exec deploy -- no-such-program-of-the-build-machines',
    `exec ${LONG_HOST} -- true`,
  ],
  curl: [
    `curl https://${HOST}/api/v4/projects -sS`,
    `curl https://${LONG_HOST}/`,
    `curl https://${HOST}/`,
    `curl https://${HOST}/ -- --next`,
  ],
  ssh: [`ssh ${HOST} uptime`, `ssh ${LONG_HOST}`, `ssh git@${HOST}`, 'ssh gl', `ssh ${HOST} --token token-cd`],
  forward: [
    `forward ${HOST} -- /bin/true`,
    `forward ${HOST} psql -h {host}`,
    `forward ${LONG_HOST}`,
    `forward ${HOST} --port 70000`,
  ],
  'access:curl': ['access curl', `access curl https://${LONG_HOST}/`, `access curl https://${HOST}/ -L`],
  'access:ssh': [
    'access ssh',
    `access ssh --hostname ${HOST} --id a.access --secret b`,
    `access ssh -T ${HOST} --metrics 127.0.0.1:1`,
    `access ssh -T ${HOST}/a/path`,
  ],
  'access:ssh-config': [
    `access ssh-config --hostname ${HOST} --short-lived-cert`,
    'access ssh-config --hostname a/b',
  ],
} // prettier-ignore

/** In place of curl: the answer with which Access refuses. */
const CURL = `
const [, mark] = /%\\{stderr\\}(.*?)%\\{http_code\\}/.exec(require('fs').readFileSync(0, 'utf8'))
const location = 'https://widgetcorp.cloudflareaccess.com/cdn-cgi/access/login/x'
process.stderr.write(mark + ['302', location, '', '', '', '', ''].join('\\t') + mark)
`
/** In place of ssh: says what an alias is, or leaves the report of the process that carries the connection. */
const SSH = `
const fs = require('fs')
const name = process.argv.at(-1)
if (process.argv.includes('-G')) console.log('hostname ' + (name === 'gl' ? '${LONG_HOST}' : name))
else {
  const {ZT_SSH_REPORT: file} = process.env
  fs.mkdirSync(require('path').dirname(file), {recursive: true, mode: 0o700})
  fs.copyFileSync(__dirname + '/report.json', file)
  fs.chmodSync(file, 0o600)
  process.exitCode = 255
}
`

/** What the last commands of the table need: the two programs, and a token for the host that a rule has lost. */
async function prepare(): Promise<void> {
  await zt.program('curl', CURL)
  await zt.program('ssh', SSH)
  const {token} = (await zt.json('token create deploy')) as {token: {id: string; clientId: string}}
  await zt.json('app add-rule app-gitlab --service-auth --token deploy')
  await zt.json('token disable deploy')
  const error = {kind: 'refused', code: 'ACCESS_REFUSED', message: 'no', why: [], next: [], details: {}}
  const answer = {by: 'access', status: 302, reason: 'login', ray: `${RAY}-FRA`}
  const report = {version: 2, host: HOST, tokenId: token.id, clientId: token.clientId, error, answer}
  await fs.writeFile(zt.file('bin/report.json'), JSON.stringify(report))
}

let zt: CommandWorld
beforeAll(async () => {
  zt = await CommandWorld.open({seed})
})
beforeEach(async () => {
  await zt.reset()
  for (const [at, ip] of ['203.0.113.7', '2001:db8:0:1234:5678:9abc:def0:1', '198.51.100.1'].entries())
    zt.state.recordEvent({
      ...{at: Date.now() - at * 86_400_000 - 60_000, ray: RAY, admitted: at < 2, session: false, kind: 'attempt'},
      ...{ip, country: 'DE', appId: 'app-build', policyId: at < 2 ? 'policy-robots' : '', tokenId: 'token-ci'},
    }) // prettier-ignore
})
afterAll(async () => zt.end())

/** What a command of those above prints in so many columns. */
async function printed(columns: number, env: Record<string, string>): Promise<Map<string, string>> {
  const all = new Map<string, string>()
  for (const line of Object.values(LINES).flat()) {
    if (line === LINES['exec']?.[0]) await prepare()
    const {stdout, stderr} = await zt.run(line, {
      input: '',
      env: {COLUMNS: String(columns), OCLIF_COLUMNS: String(columns), ...env},
    })
    all.set(line, stdout + stderr)
  }
  return all
}

/** A command, also behind `next:`, a line of a shell's or ssh's file, and a word after its label. */
const COPIED =
  /^ *next: +[a-z-]+ |^(zt|ssh|mkdir|[+#]) ?|^\S+( \S+)* {2,}\S+$|^(Host|  (ProxyCommand|Control\w+|UserKnownHostsFile)) /

/**
 * Whether zt could have wrapped a line, or shortened what is in it. It leaves whole what is to be copied: a command, a line of
 * a file, and a word, such as an ID or a path.
 */
function couldBeNarrower(line: string, columns: number): boolean {
  if (stringWidth(line) <= columns) return false
  const text = line.replace(/^ *(next: +)?/, '')
  return text.includes(' ') && !COPIED.test(line) && !COPIED.test(text)
}

it('a suggested command is whole, below what it is for', async () => {
  const env = {COLUMNS: '40', CLOUDFLARE_API_TOKEN: undefined}
  const {stderr} = await zt.run('whoami', {env})
  expect(stderr).toContain('next:  To try without an account:\n       zt sandbox start\n')
  const line = 'ssh-keygen -R host.example -f /home/maria/.ssh/known_hosts'
  const next = [`Once whoever runs the server confirms that key: ${line}`]
  vi.stubEnv('COLUMNS', '60')
  const finding = {
    id: 'x',
    area: 'host',
    state: 'fail',
    title: 'Host key',
    detail: 'It is another',
    next,
  } as const
  const text = findingsText([{...finding, next: [...next]}], (step) => step).map(bare)
  vi.unstubAllEnvs()
  expect(text.map((one) => one.trim())).toContain(line)
})

describe('on a terminal', () => {
  it('is tried with every command that prints lines of its own', () => {
    const having = Object.keys(manifest.commands).filter((id) => !ELSEWHERE.test(id))
    expect(Object.keys(LINES).sort()).toEqual(having.sort())
  })

  it.each([
    {columns: 40, locale: 'C'},
    {columns: 62, locale: 'C.UTF-8'},
    {columns: 80, locale: 'en_US.utf8'},
    {columns: 200, locale: 'de_DE.ISO-8859-1'},
  ])('no line is too long, and signs are those of the locale: $columns columns, $locale', async (where) => {
    const {columns, locale} = where
    const found: Record<string, string[]> = {}
    let signs = ''
    for (const [line, text] of await printed(columns, {LC_ALL: locale})) {
      const lines = text.split('\n')
      const foreign = lines.filter((one) => /[^ -~]/.test(one.replaceAll(IN_NAMES, '')))
      signs += foreign.join('').replaceAll(/[ -~]/g, '')
      const bad = lines.filter((one) => couldBeNarrower(one, columns))
      if (!/utf-?8/i.test(locale)) bad.push(...foreign)
      if (bad.length > 0) found[line] = bad
    }
    expect(found).toEqual({})
    // The others are not found where there are none at all.
    if (/utf-?8/i.test(locale)) expect(signs).toMatch(/^(?=.*✓)(?=.*…)(?=.*█)/u)
  })
})
