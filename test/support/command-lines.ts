import fs from 'node:fs/promises'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import type {JsonObject} from '../../src/lib/core/json.js'
import {ACCOUNT_TOKEN, editOf, HOST, type CommandWorld, type Line} from '../contract/command-world.js'
import type {Rule} from '../faults/faulty-api.js'
import {HOSTILE} from './hostile-text.js'

const createBuild = [
  'app',
  'create',
  'Build',
  '--domain',
  'build.widgetcorp.tech',
  '--service-auth',
  '--token',
  'ci',
]

const RAY = '8f1e2d3c4b5a6978'
const RAY_GONE = '8f1e2d3c4b5a6979'

/** Puts a request of `ci` into Access's record; what the account does not have has its name as its ID. */
const recordedAt =
  (ray: string, app: string, policy: string) =>
  ({state}: CommandWorld): void => {
    const {serviceTokens, apps, policies} = state.data
    const idOf = (name: string, all: readonly JsonObject[]): string => {
      const id = all.find((one) => one['name'] === name)?.['id']
      return typeof id === 'string' ? id : name
    }
    state.recordEvent({
      ...{at: Date.now() - 60_000, ray, admitted: true, session: false, kind: 'attempt', ip: '203.0.113.7'},
      ...{country: 'DE', appId: idOf(app, apps), policyId: idOf(policy, policies)},
      tokenId: idOf(
        'ci',
        serviceTokens.map(({object}) => object),
      ),
    })
  }

/**
 * The command lines whose requests test/contract/ records, in scenes: each scene has its own world and runs from top to
 * bottom. A new command needs a line in a scene here, and lines in {@link linesOf}; the tests say which is missing.
 */
export const SCENES: Record<string, Line[]> = {
  'who is asking': [
    {args: ['login'], input: ({state}) => state.apiToken},
    {args: ['whoami'], env: {CLOUDFLARE_API_TOKEN: ''}},
    {args: ['whoami', '--no-probe']},
    {args: ['whoami'], env: {CLOUDFLARE_API_TOKEN: ACCOUNT_TOKEN}},
    {args: ['profile', 'list']},
    {args: ['profile', 'show']},
    {args: ['profile', 'use', 'default']},
    {args: ['config', 'list']},
    {args: ['config', 'set', 'known-hosts-file', '']},
    {args: ['config', 'get', 'account']},
    {args: ['profile', 'rename', 'default', 'other']},
    {args: ['profile', 'rename', 'other', 'default']},
    {args: ['help', 'token', 'create']},
    {args: ['version']},
    {args: ['logout']},
    {args: ['profile', 'delete', 'default', '--yes']},
  ],

  'a service token from its creation to its end': [
    {args: ['token', 'create', 'ci', '--reveal']},
    {args: ['token', 'list', '--expiring', '30d', '--unused']},
    {args: ['token', 'list']},
    {args: ['token', 'show', 'ci', '--reveal']},
    {args: ['report']},
    {args: ['token', 'rotate', 'ci', '--grace', '1h']},
    {args: ['token', 'rotate', 'ci', '--undo']},
    {args: ['token', 'rotate', 'ci', '--finish']},
    {args: ['token', 'refresh', 'ci']},
    {args: ['token', 'refresh', 'ci', '--duration', '48h', '--yes']},
    {args: ['token', 'rename', 'ci', 'build']},
    {args: ['token', 'disable', 'build']},
    {args: ['token', 'enable', 'build']},
    {args: ['token', 'import', 'build', '--replace'], input: pairOf('ci')},
    {args: ['exec', 'build', '--', 'node', '--version']},
    {args: ['ssh', 'config', HOST]},
    {args: ['forward', 'list']},
    {args: ['forward', 'stop', '--all']},
    {args: ['access', 'ssh-config', '--hostname', HOST]},
    {args: ['ssh', 'config', '--adopt', '--dry-run', '--file', 'none']},
    {args: ['store', 'list']},
    {args: ['store', 'use', 'vault', '--dry-run']},
    {args: ['store', 'move', 'vault']},
    {args: ['store', 'check', '--fix'], before: forgetIndex},
    {args: ['token', 'revoke', 'build', '--yes']},
  ],

  'what is wrong': [
    {args: ['doctor', '--offline']},
    {args: ['token', 'create', 'doctored']},
    {args: ['app', 'add-rule', 'Database', '--service-auth', '--token', 'doctored']},
    {args: ['doctor', HOST], ends: 9},
    {args: ['doctor', '--fix', '--yes'], before: forgetIndex},
  ],

  'a service token that comes to nothing': [
    {
      args: ['token', 'create', 'lost'],
      spoil: [{...refused('GET', '/service_tokens', 2), times: 1}],
      ends: 11,
    },
    {args: ['token', 'create', 'late'], spoil: [refused('PUT', '/service_tokens/{id}')], ends: 11},
    {args: ['token', 'recover']},
    {args: ['token', 'create', 'unwanted'], spoil: [refused('PUT', '/service_tokens/{id}')], ends: 11},
    {args: ['token', 'recover', '--undo']},
  ],

  'rules, and a token that is taken out of all of them': [
    {args: ['app', 'list']},
    {args: ['app', 'show', 'GitLab']},
    {args: ['app', 'explain', 'GitLab', '--all']},
    {args: ['app', 'explain', `https://${HOST}/`, '--no-credentials']},
    {args: ['app', 'open', 'GitLab']},
    {args: ['token', 'create', 'ci']},
    {args: ['token', 'create', 'other']},
    {
      args: ['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci'],
      spoil: [refused('PUT', '/apps/{id}')],
      ends: 11,
    },
    ...['GitLab', 'Legacy'].flatMap((app): Line[] => [
      {args: ['app', 'add-rule', app, '--service-auth', '--token', 'ci', '--name', `only ${app}`]},
      {args: ['app', 'add-rule', app, '--service-auth', '--token', 'other', '--name', `both ${app}`]},
    ]),
    {
      args: ['token', 'revoke', 'ci', '--detach', '--yes'],
      before: (world) => {
        for (const named of ['both GitLab', 'both Legacy', 'robots']) world.alsoNames(named, 'ci')
      },
      spoil: [{method: 'PUT', path: '/service_tokens/{id}', action: {do: 'lose-answer'}}],
    },
  ],

  'policies and Access groups from their creation to their end': [
    {args: ['token', 'create', 'ci']},
    {args: ['token', 'create', 'cd']},
    {args: ['group', 'create', 'builders', '--token', 'ci', '--ip', '203.0.113.7']},
    {
      args: [
        'policy',
        'create',
        'Builders',
        '--group',
        'builders',
        '--token',
        'ci',
        '--require-country',
        'DE',
      ],
    },
    {args: ['policy', 'attach', 'Builders', 'GitLab', '--precedence', '1']},
    {args: ['group', 'add-token', 'builders', 'cd']},
    {args: ['group', 'show', 'builders']},
    {args: ['policy', 'show', 'Builders']},
    {args: ['token', 'reach', 'ci']},
    {args: ['token', 'activity', 'ci'], before: recordedAt(RAY_GONE, 'gone', 'gone')},
    {args: ['ray', RAY], before: recordedAt(RAY, 'GitLab', 'Builders')},
    {args: ['ray', RAY_GONE]},
    {args: ['token', 'audit', '--fail-on', 'none']},
    {args: ['group', 'remove-token', 'builders', 'ci']},
    {args: ['policy', 'test', 'expectations.yaml'], before: writeExpectations},
    {args: ['policy', 'delete', 'Builders', '--yes'], ends: 7},
    {args: ['policy', 'create', 'Other', '--group', 'builders']},
    {args: ['undo', editOf('policy create Other --group builders'), '--dry-run']},
    {args: ['policy', 'attach', 'Other', 'GitLab']},
    {args: ['undo', editOf('policy create Other --group builders'), '--yes'], ends: 7},
    {args: ['policy', 'detach', 'Builders', 'GitLab', '--dry-run']},
    {args: ['policy', 'detach', 'Builders', 'GitLab']},
    {args: ['policy', 'detach', 'Other', 'GitLab']},
    {args: ['policy', 'delete', 'Builders', '--dry-run']},
    {args: ['policy', 'delete', 'Builders', '--yes']},
    {args: ['policy', 'delete', 'Other', '--yes']},
    {args: ['group', 'delete', 'builders', '--dry-run']},
    {args: ['group', 'delete', 'builders', '--yes']},
    {args: ['policy', 'make-reusable', 'Legacy', '--all', '--dry-run']},
    {args: ['policy', 'make-reusable', 'Legacy', '--all', '--yes']},
  ],

  'edits of Access groups, taken back': [
    {args: ['token', 'create', 'ci']},
    {args: ['token', 'create', 'cd']},
    {args: ['group', 'create', 'makers', '--token', 'ci']},
    {args: ['group', 'add-token', 'makers', 'cd']},
    ...undoAll(1),
    {args: ['group', 'delete', 'makers', '--yes']},
    ...undoAll(2),
  ],

  'applications, and their rules one by one': [
    {args: ['token', 'create', 'ci']},
    {args: ['token', 'create', 'cd']},
    {
      args: [...createBuild, '--service-auth-401'],
      spoil: [refused('PUT', '/apps/{id}')],
      ends: 11,
    },
    {args: [...createBuild, '--service-auth-401']},
    {args: [...createBuild, '--group', 'robots', '--dry-run'], ends: 7},
    {args: ['app', 'show', 'Build']},
    {args: ['app', 'add-rule', 'GitLab', '--service-auth', '--group', 'robots', '--precedence', '1']},
    {args: ['app', 'show', 'GitLab']},
    {
      args: [
        'app',
        'add-rule',
        'Legacy',
        '--service-auth',
        '--token',
        'ci',
        '--token',
        'cd',
        '--before',
        'Own',
      ],
    },
    {args: ['app', 'remove-rule', 'Legacy', '1', '--token', 'ci', '--yes']},
    {args: ['app', 'remove-rule', 'Legacy', '1', '--yes']},
    {args: ['app', 'set', 'Build', '--no-service-auth-401', '--session-duration', '1h']},
    {
      args: [
        'app',
        'add-rule',
        'Build',
        '--service-auth',
        '--token',
        'cd',
        '--group',
        'robots',
        '--name',
        'both',
      ],
    },
    {args: ['app', 'remove-rule', 'Build', 'both', '--token', 'cd', '--yes']},
    {args: ['app', 'remove-rule', 'Build', 'both', '--delete', '--yes']},
    {args: ['app', 'remove-rule', 'GitLab', '1', '--dry-run']},
    {args: ['app', 'remove-rule', 'GitLab', '1', '--yes']},
    ...undoAll(10),
    {args: ['undo', editOf('undo --last --yes'), '--yes']},
  ],

  'applications of a zone': [
    {args: [...createBuild.slice(0, 5), '--service-auth', '--any-token', '--zone', 'widgetcorp.tech']},
    {
      args: [
        'app',
        'add-rule',
        'Build',
        '--service-auth',
        '--any-token',
        '--require-country',
        'DE',
        '--precedence',
        '1',
        '--zone',
        'widgetcorp.tech',
      ],
    },
    {args: ['app', 'remove-rule', 'Build', '2', '--yes', '--zone', 'widgetcorp.tech']},
    {args: ['app', 'set', 'Build', '--service-auth-401', '--zone', 'widgetcorp.tech']},
    ...undoAll(4, '--zone', 'widgetcorp.tech'),
  ],

  'Access groups of a zone': [
    {args: ['group', 'list'], before: fillZone},
    {
      args: [
        'group',
        'create',
        'zoned',
        '--token',
        'of-the-zone',
        '--country',
        'DE',
        '--zone',
        'widgetcorp.tech',
      ],
    },
    {args: ['group', 'remove-token', 'zoned', 'of-the-zone', '--zone', 'widgetcorp.tech']},
    {args: ['group', 'add-token', 'zoned', 'of-the-zone', '--zone', 'widgetcorp.tech']},
    {args: ['group', 'show', 'zoned', '--zone', 'widgetcorp.tech']},
    {args: ['group', 'delete', 'zoned', '--yes', '--zone', 'widgetcorp.tech']},
  ],

  'lists, narrowed and of a zone': [
    {args: ['app', 'list', '--search', 'git', '--name', 'Git', '--domain', 'git', '--limit', '1']},
    {args: ['app', 'list', '--name', 'GitLab', '--exact'], before: fillZone},
    {args: ['app', 'list', '--zone', 'widgetcorp.tech']},
    {args: ['app', 'show', 'Of the zone', '--zone', 'widgetcorp.tech']},
    {args: ['app', 'open', 'Of the zone', '--zone', 'widgetcorp.tech']},
    {args: ['token', 'list', '--search', 'zone', '--name', 'of-the-zone', '--zone', 'widgetcorp.tech']},
    {args: ['token', 'show', 'of-the-zone', '--zone', 'widgetcorp.tech']},
    {args: ['token', 'audit', '--fail-on', 'none', '--zone', 'widgetcorp.tech']},
    {args: ['token', 'audit', '--fail-on', 'none']},
    {args: ['report', '--zone', 'widgetcorp.tech']},
    {args: ['report']},
    {args: ['group', 'list']},
    {args: ['group', 'list', '--search', 'robots', '--limit', '5', '--zone', 'widgetcorp.tech']},
    {args: ['policy', 'list']},
  ],

  'names for the shells': [
    {args: ['completion', 'bash']},
    {args: ['__complete', 'fish', '--', 'token', 'show', '']},
    {args: ['__complete', 'fish', '--', 'app', 'show', '']},
    {args: ['__complete', 'zsh', '--', 'group', 'show', '']},
    {args: ['__complete', 'bash', '--', ' :=', 'zt policy show ']},
  ],

  'a token that Access refuses': [
    // A 403, of which the organisation's settings decide the meaning.
    {args: ['token', 'create', 'stranger'], before: authenticateStrictly},
    {args: ['ssh', HOST, '--token', 'stranger', '--yes', '--', '-T'], ends: 255},
    {args: ['ssh', 'check', HOST, '--token', 'stranger', '--yes'], ends: 10},
    {args: ['ssh', 'proxy', HOST, '--token', 'stranger', '--yes'], ends: 10},
    {args: ['curl', `https://${HOST}/`, '--token', 'stranger', '--yes'], ends: 10},
    {args: ['forward', HOST, '--http', '--token', 'stranger', '--yes'], during: askOnce},
    {args: ['access', 'ssh', '-T', HOST, '-L', '0', '--token', 'stranger', '--yes'], during: connectOnce},
    // The body is the --json that is added to every line.
    {args: ['access', 'curl', '--token', 'stranger', '--yes', `https://${HOST}/`, '--data'], ends: 10},
  ],

  // Nothing answers behind the edge.
  'hosts that are set up, and that taken back': [
    {args: ['token', 'create', 'idle']},
    {args: ['setup', 'build.widgetcorp.tech', '--token', 'idle', '--yes'], ends: 8},
    {args: ['setup', 'build.widgetcorp.tech', '--remove', '--yes']},
    ...['gitlab-ssh.widgetcorp.tech', 'legacy.widgetcorp.tech'].flatMap((host): Line[] => [
      {args: ['setup', host, '--token', 'made', '--yes'], ends: 8},
      {args: ['setup', host, '--remove', '--yes']},
    ]),
  ],

  'the sandbox, which is another account': [
    {args: ['sandbox', 'start']},
    {args: ['sandbox', 'status']},
    {args: ['sandbox', 'reset', '--yes']},
    {args: ['sandbox', 'stop']},
  ],
}

async function authenticateStrictly({state}: CommandWorld): Promise<void> {
  state.data.organization['strict_service_token_auth'] = true
  await state.save()
}

/** Takes back as many edits, the latest first. */
function undoAll(edits: number, ...more: string[]): Line[] {
  return Array.from({length: edits}, () => ({args: ['undo', '--last', '--yes', ...more]}))
}

/** A request that the API does not carry out, from the nth of its kind on. */
function refused(method: Rule['method'], where: string, from = 1): Rule {
  return {method, path: where, from, action: {do: 'refuse', status: 400, code: 12130}}
}

/** One request of a client of `zt forward --http`. */
async function askOnce({port}: JsonObject): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const asked = http.get({host: '127.0.0.1', port: Number(port)}, (response) => {
      response.resume().once('end', resolve)
    })
    asked.once('error', reject)
  })
}

/** One connection of a client of `zt access ssh --url`, until zt ends it. */
async function connectOnce({port}: JsonObject): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = net.connect(Number(port), '127.0.0.1')
    // It is reset.
    socket.on('error', () => undefined)
    socket.once('close', () => {
      resolve()
    })
  })
}

/** What `token create NAME --reveal` printed, as `token import` reads it. */
function pairOf(name: string): (world: CommandWorld) => string {
  return ({printed}) => JSON.stringify(printed.get(`token create ${name} --reveal`))
}

/** In the directory in which commands run. */
async function writeExpectations({zt}: CommandWorld): Promise<void> {
  const text = `- {who: {token: cd}, url: 'https://${HOST}/', expect: login}\n`
  await fs.writeFile(path.join(zt.home, 'expectations.yaml'), text)
}

/** The index is lost, and the stores are not. */
async function forgetIndex({zt}: CommandWorld): Promise<void> {
  await fs.rm(path.join(zt.data, 'index'), {recursive: true})
}

/** An application and a service token of the zone's own, and rules that name service tokens and groups. */
function fillZone({state: {data}}: CommandWorld): void {
  const zone = String(data.zones[0]?.['id'])
  const [app, token, policy, group] = ['a', 'b', 'c', 'd'].map(
    (digit) => `${digit.repeat(8)}-0000-4000-8000-000000000000`,
  ) as [string, string, string, string]
  const naming = {include: [{service_token: {token_id: token}}, {group: {id: group}}]}
  const rules = {exclude: [], require: []}
  data.zoneOf = {...data.zoneOf, [app]: zone, [token]: zone}
  data.apps.push({id: app, name: 'Of the zone', type: 'self_hosted', domain: 'of.widgetcorp.tech'})
  data.serviceTokens.push({
    object: {id: token, name: 'of-the-zone', client_id: 'z.access', duration: '8760h'},
    secretHash: '',
  })
  data.groups.push({id: group, name: 'naming', ...naming, ...rules})
  data.policies.push({id: policy, name: 'naming', decision: 'non_identity', ...naming, ...rules})
}

const SSH = 'gitlab-ssh.widgetcorp.tech'
export const GREETER = 'greeter.widgetcorp.tech'
/** Objects of test/attacks/text.test.ts. */
export const [APP, POLICY, INLINE, GROUP, FREE, LEGACY] = ['a', 'b', 'c', 'd', 'e', 'f'].map(
  (digit) => `${digit.repeat(8)}-0000-4000-8000-000000000000`,
) as [string, string, string, string, string, string]

/** What test/attacks/text.test.ts has made. */
export interface Ids {
  known: string
  spare: string
  /** Which no line changes. */
  asked: string
  /** Of the poisoned API. */
  apiUrl: string
}

/** Lines of one command. */
export interface CommandLines {
  /** In test/e2e/leak.test.ts, in the order of the table: as the command succeeds and as it fails. */
  leak: string[][]
  /** In test/attacks/text.test.ts: lines that print what the API, the files and the person have given. */
  hostile: string[][]
}

/** The lines of every command, by its ID. */
export function linesOf(kind: keyof CommandLines, ids?: Ids): Record<string, string[][]> {
  const table = tableWith(ids ?? {known: '', spare: '', asked: '', apiUrl: ''})
  return Object.fromEntries(Object.entries(table).map(([id, lines]) => [id, lines[kind]]))
}

// prettier-ignore
const tableWith = ({known, spare, apiUrl}: Ids): Record<string, CommandLines> => ({
  login: {
    leak: [['login', '--profile', 'again']],
    hostile: [['login', '--profile', 'other', '--api-url', apiUrl]],
  },
  whoami: {
    leak: [['whoami'], ['whoami', '--no-probe'], ['whoami', '--profile', 'nobody']],
    hostile: [['whoami']],
  },
  report: {
    leak: [['report'], ['report', '--html', '-'], ['report', '--csv', 'review']],
    hostile: [['report'], ['report', '--html', '-'], ['report', '--since', HOSTILE]],
  },
  'profile:delete': {
    leak: [['profile', 'delete', 'nothing', '--yes'], ['profile', 'delete', 'mine', '--yes']],
    hostile: [['profile', 'delete', HOSTILE, '--yes']],
  },
  'profile:rename': {
    leak: [['profile', 'rename', 'mine', 'theirs'], ['profile', 'rename', 'theirs', 'mine']],
    hostile: [['profile', 'rename', HOSTILE, HOSTILE]],
  },
  'profile:list': {
    leak: [['profile', 'list']],
    hostile: [['profile', 'list']],
  },
  'profile:show': {
    leak: [['profile', 'show']],
    hostile: [['profile', 'show'], ['profile', 'show', HOSTILE]],
  },
  'config:list': {
    leak: [['config', 'list']],
    hostile: [['config', 'list']],
  },
  'config:get': {
    leak: [['config', 'get', 'account'], ['config', 'get', 'connect-to']],
    hostile: [['config', 'get', 'ca-file']],
  },
  'config:set': {
    leak: [['config', 'set', 'ca-file', ''], ['config', 'set', 'store', 'vault']],
    hostile: [['config', 'set', 'ca-file', HOSTILE], ['config', 'set', 'account', HOSTILE], ['config', 'set', 'connect-to', HOSTILE], ['config', 'set', HOSTILE, 'x']],
  },
  'profile:use': {
    leak: [['profile', 'use', 'mine'], ['profile', 'use', 'nobody']],
    hostile: [['profile', 'use', HOSTILE]],
  },
  'token:create': {
    leak: [['token', 'create', 'ci'], ['token', 'create', 'another', '--dry-run'], ['token', 'create', 'ci'], ['token', 'create', 'x', '--duration', 'long']],
    hostile: [['token', 'create', HOSTILE], ['token', 'create', 'new-one'], ['token', 'create', 'x', '--dry-run']],
  },
  'token:rotate': {
    leak: [['token', 'rotate', 'ci', '--dry-run'], ['token', 'rotate', 'ci'], ['token', 'rotate', 'ci', '--undo'], ['token', 'rotate', 'ci', '--finish'], ['token', 'rotate', 'co']],
    hostile: [['token', 'rotate', spare, '--dry-run'], ['token', 'rotate', spare]],
  },
  'token:recover': {
    leak: [['token', 'recover']],
    hostile: [['token', 'recover', '--dry-run']],
  },
  'token:list': {
    leak: [['token', 'list'], ['token', 'list', '--zone', 'widgetcorp.tech'], ['token', 'list', '--quiet'], ['token', 'list', '--unused', '--fields', 'id,name'], ['token', 'list', '--fields', 'secret'], ['token', 'list', '--jq', '.tokens[]'], ['token', 'list', '--jq', '$ENV'], ['token', 'list', '--jq', '.tokens | error']],
    hostile: [['token', 'list'], ['token', 'list', '--jq', '.tokens[].name'], ['token', 'list', '--jq', '.tokens[].name | error'], ['token', 'list', '--fields', HOSTILE], ['token', 'list', '--jq', HOSTILE], ['token', 'list', '--name', HOSTILE]],
  },
  'token:show': {
    leak: [['token', 'show', 'ci'], ['token', 'show', 'co']],
    hostile: [['token', 'show', known], ['token', 'show', `known${HOSTILE}`], ['token', 'show', 'known']],
  },
  'token:audit': {
    leak: [['token', 'audit'], ['token', 'audit', '--sarif', 'audit.sarif'], ['token', 'audit', '--sarif', '-', '--kind', 'disabled'], ['token', 'audit', '--fail-on', 'nothing']],
    hostile: [['token', 'audit'], ['token', 'audit', '--sarif', '-'], ['token', 'audit', '--kind', HOSTILE], ['token', 'audit', '--fail-on', HOSTILE], ['token', 'audit', '--sarif', HOSTILE]],
  },
  'token:reach': {
    leak: [['token', 'reach', 'ci'], ['token', 'reach', 'co']],
    hostile: [['token', 'reach', known], ['token', 'reach', `known${HOSTILE}`], ['token', 'reach', 'known']],
  },
  'token:activity': {
    leak: [['token', 'activity', 'ci'], ['token', 'activity', 'co', '--since', '90d']],
    hostile: [['token', 'activity', known], ['token', 'activity', `known${HOSTILE}`], ['token', 'activity', 'known', '--since', HOSTILE]],
  },
  'ray': {
    leak: [['ray', RAY], ['ray', 'CF-RAY: co']],
    hostile: [['ray', RAY], ['ray', `${RAY} ${HOSTILE}`], ['ray', RAY, '--since', HOSTILE]],
  },
  'token:refresh': {
    leak: [['token', 'refresh', 'ci'], ['token', 'refresh', 'ci', '--duration', '1d']],
    hostile: [['token', 'refresh', spare], ['token', 'refresh', spare, '--duration', '1h']],
  },
  'token:disable': {
    leak: [['token', 'disable', 'known'], ['token', 'disable', 'co']],
    hostile: [['token', 'disable', spare, '--dry-run'], ['token', 'disable', spare]],
  },
  'token:enable': {
    leak: [['token', 'enable', 'known'], ['token', 'enable', 'co']],
    hostile: [['token', 'enable', spare]],
  },
  'token:import': {
    leak: [['token', 'import', 'known', '--host', 'known.example'], ['token', 'import', 'ci'], ['token', 'import', '--no-input', '--replace'], ['token', 'import', '--dry-run']],
    hostile: [['token', 'import', known, '--host', HOSTILE], ['token', 'import', known]],
  },
  'token:rename': {
    leak: [['token', 'rename', 'known', 'renamed'], ['token', 'rename', 'renamed', 'ci']],
    hostile: [['token', 'rename', spare, 'other', '--dry-run'], ['token', 'rename', spare, HOSTILE]],
  },
  undo: {
    leak: [['undo'], ['undo', '--last', '--dry-run'], ['undo', '--last', '--yes'], ['undo', 'zzzzzzzzz']],
    hostile: [['undo'], ['undo', '--last', '--dry-run'], ['undo', HOSTILE]],
  },
  'token:revoke': {
    leak: [['token', 'revoke', 'renamed', '--dry-run'], ['token', 'revoke', 'renamed'], ['token', 'revoke', 'renamed', '--detach', '--yes']],
    hostile: [['token', 'revoke', known, '--dry-run'], ['token', 'revoke', known, '--yes'], ['token', 'revoke', spare]],
  },
  'app:list': {
    leak: [['app', 'list'], ['app', 'list', '--zone', 'nowhere.example']],
    hostile: [['app', 'list'], ['app', 'list', '--zone', HOSTILE]],
  },
  'policy:list': {
    leak: [['policy', 'list'], ['policy', 'list', '--zone', 'widgetcorp.tech']],
    hostile: [['policy', 'list']],
  },
  'group:list': {
    leak: [['group', 'list'], ['group', 'list', '--zone', 'nowhere.example']],
    hostile: [['group', 'list']],
  },
  'group:create': {
    leak: [['group', 'create', 'machines', '--token', 'ci', '--ip', '203.0.113.7'], ['group', 'create', 'other', '--token', 'co']],
    hostile: [['group', 'create', 'g', '--token', spare, '--dry-run'], ['group', 'create', HOSTILE, '--token', HOSTILE]],
  },
  'policy:create': {
    leak: [['policy', 'create', 'machines', '--group', 'machines', '--require-country', 'DE'], ['policy', 'create', 'other', '--action', 'allow', '--token', 'ci']],
    hostile: [['policy', 'create', 'p', '--token', spare, '--group', GROUP, '--dry-run'], ['policy', 'create', HOSTILE, '--token', spare]],
  },
  'policy:attach': {
    leak: [['policy', 'attach', 'machines', 'GitLab', '--precedence', '1']],
    hostile: [['policy', 'attach', POLICY, APP, '--dry-run']],
  },
  'policy:test': {
    leak: [['policy', 'test', 'nothing.yaml'], ['policy', 'test', 'nothing.yaml', '--plan', 'nothing.json']],
    hostile: [['policy', 'test', `${HOSTILE}.yaml`]],
  },
  'policy:show': {
    leak: [['policy', 'show', 'machines']],
    hostile: [['policy', 'show', POLICY]],
  },
  'group:show': {
    leak: [['group', 'show', 'machines']],
    hostile: [['group', 'show', GROUP]],
  },
  'group:add-token': {
    leak: [['group', 'add-token', 'machines', 'known']],
    hostile: [['group', 'add-token', GROUP, spare, '--dry-run']],
  },
  'group:remove-token': {
    leak: [['group', 'remove-token', 'machines', 'known']],
    hostile: [['group', 'remove-token', GROUP, known, '--dry-run']],
  },
  'policy:make-reusable': {
    leak: [['policy', 'make-reusable', 'GitLab', '--all', '--yes']],
    hostile: [['policy', 'make-reusable', LEGACY, '--all', '--dry-run']],
  },
  'policy:detach': {
    leak: [['policy', 'detach', 'machines', 'GitLab']],
    hostile: [['policy', 'detach', POLICY, APP, '--dry-run'], ['policy', 'detach', FREE, APP]],
  },
  'policy:delete': {
    leak: [['policy', 'delete', 'machines', '--yes']],
    hostile: [['policy', 'delete', POLICY, '--yes'], ['policy', 'delete', FREE, '--dry-run'], ['policy', 'delete', FREE]],
  },
  'group:delete': {
    leak: [['group', 'delete', 'machines', '--yes']],
    hostile: [['group', 'delete', GROUP, '--yes']],
  },
  'app:show': {
    leak: [['app', 'show', 'GitLab'], ['app', 'show', 'GitHub']],
    hostile: [['app', 'show', APP], ['app', 'show', HOSTILE]],
  },
  'app:explain': {
    leak: [['app', 'explain', 'GitLab', '--token', 'ci'], ['app', 'explain', HOST, '--all'], ['app', 'explain', 'GitHub', '--all']],
    hostile: [['app', 'explain', APP, '--token', spare], ['app', 'explain', APP, '--all'], ['app', 'explain', APP, '--email', 'a@example.com', '--group', HOSTILE], ['app', 'explain', HOSTILE, '--no-credentials']],
  },
  'app:open': {
    leak: [['app', 'open', 'GitLab'], ['app', 'open', 'GitHub']],
    hostile: [['app', 'open', APP], ['app', 'open', HOSTILE]],
  },
  'app:add-rule': {
    leak: [['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci', '--dry-run'], ['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'ci'], ['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'co']],
    hostile: [['app', 'add-rule', APP, '--service-auth', '--token', spare, '--dry-run'], ['app', 'add-rule', APP, '--service-auth', '--token', spare, '--group', GROUP, '--yes'], ['app', 'add-rule', APP, '--service-auth', '--token', HOSTILE]],
  },
  'app:create': {
    leak: [['app', 'create', 'Build', '--domain', 'build.widgetcorp.tech', '--service-auth', '--token', 'ci'], ['app', 'create', 'Build', '--domain', 'build.nowhere.example', '--service-auth', '--token', 'ci']],
    hostile: [['app', 'create', 'Build', '--domain', 'build.widgetcorp.tech', '--service-auth', '--token', spare, '--dry-run'], ['app', 'create', HOSTILE, '--domain', HOSTILE]],
  },
  'app:set': {
    leak: [['app', 'set', 'Wiki', '--session-duration', '1h', '--secret-field', 'scim_config.authentication.password'], ['app', 'set', 'Build', '--service-auth-401', '--session-duration', '1h'], ['app', 'set', 'Build']],
    hostile: [['app', 'set', APP, '--service-auth-401', '--dry-run'], ['app', 'set', APP, '--session-duration', '1h', '--yes']],
  },
  'app:remove-rule': {
    leak: [['app', 'remove-rule', 'Build', 'Service Auth: ci'], ['app', 'remove-rule', 'Build', 'Service Auth: ci', '--yes'], ['app', 'remove-rule', 'GitLab', 'nobody', '--token', 'ci', '--yes']],
    hostile: [['app', 'remove-rule', LEGACY, INLINE, '--dry-run'], ['app', 'remove-rule', APP, POLICY, '--token', known, '--yes']],
  },
  ssh: {
    leak: [['ssh', `git@${SSH}`, '--', '-T'], ['ssh', 'elsewhere.example', '--', '-T'], ['ssh', 'gl', '--', '-T', '-F', 'their-ssh-config'], ['ssh', 'gl', '--', '-T']],
    hostile: [['ssh', SSH, '--token', HOSTILE, '--yes'], ['ssh', GREETER, '--token', 'known', '--', '-T']],
  },
  'ssh:config': {
    leak: [['ssh', 'config', SSH], ['ssh', 'config', `git@${SSH}`, '--write', '--file', 'ssh-config', '--dry-run'], ['ssh', 'config', `git@${SSH}`, '--write', '--file', 'ssh-config', '--yes'], ['ssh', 'config', SSH, '--remove', '--file', 'ssh-config'], ['ssh', 'config', SSH, '--remove', '--file', 'ssh-config', '--yes'], ['ssh', 'config', 'elsewhere.example', '--write', '--file', '.', '--yes'], ['ssh', 'config', 'elsewhere.example', '--write', '--file', 'ssh-config', '--yes'], ['ssh', 'config', 'gl', '--write', '--file', 'their-ssh-config', '--dry-run'], ['ssh', 'config', SSH, '--write', '--no-short-lived-cert', '--file', 'their-ssh-config', '--yes'], ['ssh', 'config', 'gl'], ['ssh', 'config', '*.widgetcorp.tech'], ['ssh', 'config', '--adopt', '--file', 'their-ssh-config', '--dry-run'], ['ssh', 'config', '--adopt', '--file', 'their-ssh-config', '--yes', '--json'], ['ssh', 'config', '--adopt', '--remove', '--file', 'their-ssh-config', '--yes']],
    hostile: [['ssh', 'config', SSH], ['ssh', 'config', SSH, '--write', '--file', `${HOSTILE}.conf`, '--yes'], ['ssh', 'config', SSH, '--remove', '--file', 'theirs.conf', '--dry-run'], ['ssh', 'config', SSH, '--write', '--file', 'theirs.conf', '--dry-run'], ['ssh', 'config', 'gl', '--write', '--file', 'alias.conf', '--dry-run'], ['ssh', 'config', '--adopt', '--file', 'alias.conf', '--dry-run'], ['ssh', 'config', HOSTILE]],
  },
  'ssh:check': {
    leak: [['ssh', 'check', SSH], ['ssh', 'check', SSH, '--token', 'env', '--yes', '--timeout', '5'], ['ssh', 'check', 'elsewhere.example']],
    hostile: [['ssh', 'check', GREETER, '--token', 'known', '--yes'], ['ssh', 'check', HOSTILE]],
  },
  setup: {
    leak: [['setup', SSH, '--dry-run'], ['setup', 'new-ssh.widgetcorp.tech', '--yes', '--ssh-config', '--file', 'new-config'], ['setup', 'new-ssh.widgetcorp.tech', '--remove', '--yes'], ['setup', 'new-ssh.nowhere.example', '--yes', '--json'], ['setup', SSH, '--token', 'co.access']],
    hostile: [['setup', SSH, '--token', HOSTILE, '--dry-run'], ['setup', GREETER, '--app', HOSTILE, '--dry-run'], ['setup', HOSTILE]],
  },
  'ssh:proxy': {
    leak: [['ssh', 'proxy', SSH], ['ssh', 'proxy', SSH, '--client', 'cloudflared'], ['ssh', 'proxy', 'elsewhere.example'], ['ssh', 'proxy', SSH, '--destination', '10.0.0.7:22'], ['ssh', 'proxy', SSH, '--destination', 'not an address']],
    hostile: [['ssh', 'proxy', SSH, '--token', HOSTILE], ['ssh', 'proxy', 'elsewhere.example', '--token', 'known'], ['ssh', 'proxy', SSH, '--destination', HOSTILE], ['ssh', 'proxy', `--${HOSTILE}`], ['ssh', 'proxy', HOSTILE]],
  },
  exec: {
    leak: [['exec', 'known', '--', 'exec-child'], ['exec', 'ci', '--', 'exec-child'], ['exec', 'ci', '--', 'exec-child', '3'], ['exec', 'known', '--', 'no-such-child'], ['exec', 'env', '--', 'exec-child'], ['exec', 'known', '--secret-var', 'PATH', '--', 'exec-child']],
    hostile: [['exec', HOSTILE, '--', 'true'], ['exec', 'known', '--', HOSTILE], ['exec', 'known', '--id-var', HOSTILE, '--', 'true']],
  },
  curl: {
    leak: [['curl', `https://${SSH}/`, '--', '-i'], ['curl', `https://${SSH}/`, '--', '--data', '@-'], ['curl', `https://${SSH}/`, '--', '-v'], ['curl', `https://${SSH}/`, '--', '-sc', '-', '-D', 'heads'], ['curl', 'https://elsewhere.example/', '--token', 'ci', '--yes', '--', '-m', '5']],
    hostile: [['curl', `https://${SSH}/${HOSTILE}`], ['curl', `https://${SSH}/`, '--', `--${HOSTILE}`]],
  },
  // One that listens is in forward.test.ts, as it does not end by itself.
  forward: {
    leak: [['forward', 'elsewhere.example', '--token', 'known'], ['forward', SSH, '--listen', '0.0.0.0:0'], ['forward', SSH, '--http', '--single-header', 'Host'], ['forward', SSH, '--', 'beside-child', '{port}', '3'], ['forward', SSH, '--listen', 'unix:forward.sock', '--', 'beside-child'], ['forward', SSH, 'elsewhere.example', '--background'], ['forward', SSH, '--background'], ['forward', `postgres://app:pw@${SSH}/`]],
    hostile: [['forward', SSH, '--listen', HOSTILE], ['forward', 'elsewhere.example', '--token', 'known'], ['forward', SSH, '--http', '--allow-origin', HOSTILE], ['forward', `https://${HOSTILE}/`], ['forward', SSH, '--listen', `unix:${HOSTILE}`, '--', 'true'], ['forward', SSH, '--token', 'known', '--yes', '--', HOSTILE]],
  },
  'forward:list': {
    leak: [['forward', 'list']],
    hostile: [['forward', 'list'], ['forward', 'list', HOSTILE]],
  },
  'forward:stop': {
    leak: [['forward', 'stop', '--all'], ['forward', 'stop', 'elsewhere.example']],
    hostile: [['forward', 'stop', HOSTILE], ['forward', 'stop', '--all']],
  },
  // What is refused is in leak.test.ts: a child that zt starts as itself would be given it.
  'access:ssh': {
    leak: [['access', 'ssh', '--hostname', SSH], ['access', 'tcp', '-T', 'elsewhere.example', '--logfile', 'log'], ['access', 'ssh', '-T', SSH, '--destination', 'not an address'], ['access', 'tcp', '-T', SSH, '-L', '0.0.0.0:0'], ['access', 'ssh', '-T', SSH, '-H', 'no header']],
    hostile: [['access', 'tcp', '-T', SSH, '--token', HOSTILE], ['access', 'ssh', '-T', HOSTILE], ['access', 'ssh', '-T', SSH, '-L', HOSTILE], ['access', 'ssh', '-T', SSH, '--destination', HOSTILE], ['access', 'ssh', '-T', SSH, '-H', `X: ${HOSTILE}`], ['access', 'ssh', '-T', SSH, '--connect-to', `a:b:${HOSTILE}`]],
  },
  'access:curl': {
    leak: [['access', 'curl', `https://${SSH}/`, '-i'], ['access', 'curl', '--token', 'ci', '--yes', 'https://elsewhere.example/', '-m', '5']],
    hostile: [['access', 'curl', `https://${SSH}/${HOSTILE}`], ['access', 'curl', `https://${SSH}/`, `--${HOSTILE}`], ['access', 'curl', '--token', HOSTILE, `https://${SSH}/`]],
  },
  'access:ssh-config': {
    leak: [['access', 'ssh-config', '--hostname', SSH, '--short-lived-cert'], ['access', 'ssh-config', '--hostname', 'elsewhere.example']],
    hostile: [['access', 'ssh-config', '--hostname', HOSTILE], ['access', 'ssh-config', '--hostname', SSH]],
  },
  completion: {
    leak: [['__complete', 'fish', '--', 'token', 'show', ''], ['__complete', 'bash', '--', ' :=', 'zt app show '], ['__complete', 'zsh', '--', 'exec', 'k'], ['completion', 'bash']],
    hostile: [['__complete', 'fish', '--', 'token', 'show', ''], ['__complete', 'zsh', '--', 'app', 'show', ''], ['__complete', 'bash', '--', ' :=', 'zt group show '], ['__complete', 'fish', '--', '--profile', ''], ['completion', 'bash'], ['completion']],
  },
  'sandbox:status': {
    leak: [['sandbox', 'status']],
    hostile: [['sandbox', 'status']],
  },
  'sandbox:start': {
    leak: [['sandbox', 'start']],
    hostile: [['sandbox', 'start', '--seed', HOSTILE], ['sandbox', 'start', '--origin', HOSTILE]],
  },
  help: {
    leak: [['help'], ['help', 'exit-codes'], ['help', 'environment'], ['help', 'token', 'create']],
    hostile: [['help', HOSTILE], [HOSTILE], [`toke${HOSTILE}`, 'list'], ['help', 'environment']],
  },
  version: {
    leak: [['version'], ['--version']],
    hostile: [['version', HOSTILE], ['version']],
  },
  'store:list': {
    leak: [['store', 'list']],
    hostile: [['store', 'list']],
  },
  'store:use': {
    leak: [['store', 'use', 'vault', '--dry-run'], ['store', 'use', 'vault'], ['store', 'use', 'vault', '--recipient', 'age1x'], ['store', 'use', 'helper:nowhere']],
    hostile: [['store', 'use', HOSTILE], ['store', 'use', `helper:${HOSTILE}`], ['store', 'use', 'helper:evil']],
  },
  'store:move': {
    leak: [['store', 'move', 'vault'], ['store', 'move', 'helper:nowhere']],
    hostile: [['store', 'move', HOSTILE], ['store', 'move', 'helper:evil', '--token', 'known']],
  },
  'store:check': {
    leak: [['store', 'check'], ['store', 'check', '--fix']],
    hostile: [['store', 'check'], ['store', 'check', '--fix']],
  },
  doctor: {
    leak: [['doctor', '--offline'], ['doctor', 'gitlab-ssh.widgetcorp.tech'], ['doctor', '--offline', '--fix', '--yes'], ['doctor', '--offline', '--bundle', '-'], ['doctor', '--profile', 'nobody']],
    hostile: [['doctor', '--offline'], ['doctor', HOSTILE], ['doctor', '--offline', '--bundle', HOSTILE], ['doctor', '--offline', '--bundle', '-']],
  },
  logout: {
    leak: [['logout', '--profile', 'again'], ['logout', '--profile', 'again']],
    hostile: [['logout', '--profile', HOSTILE]],
  },
  'sandbox:stop': {
    leak: [['sandbox', 'stop']],
    hostile: [['sandbox', 'stop', HOSTILE]],
  },
  'sandbox:reset': {
    leak: [['sandbox', 'reset', '--yes']],
    hostile: [['sandbox', 'reset', HOSTILE]],
  },
})
