import fs from 'node:fs/promises'
import http from 'node:http'
import path from 'node:path'
import type {JsonObject} from '../../src/lib/core/json.js'
import type {Rule} from '../faults/faulty-api.js'
import {ACCOUNT_TOKEN, HOST, type CommandWorld, type Line} from './command-world.js'

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

/**
 * The command lines whose requests are recorded, in scenes: each has a world of its own and runs from top to bottom. A
 * new command gets a line here and a row in src/lib/api/operations.ts; the tests say which is missing.
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
    {args: ['help', 'token', 'create']},
    {args: ['version']},
    {args: ['logout']},
  ],

  'a service token from its creation to its end': [
    {args: ['token', 'create', 'ci', '--reveal']},
    {args: ['token', 'list']},
    {args: ['token', 'show', 'ci']},
    {args: ['token', 'rotate', 'ci', '--grace', '1h']},
    {args: ['token', 'rotate', 'ci', '--undo']},
    {args: ['token', 'rotate', 'ci', '--finish']},
    {args: ['token', 'refresh', 'ci']},
    {args: ['token', 'refresh', 'ci', '--duration', '48h', '--yes']},
    {args: ['token', 'rename', 'ci', 'build']},
    {args: ['token', 'disable', 'build']},
    {args: ['token', 'enable', 'build']},
    {args: ['token', 'import', 'build', '--replace'], input: pairOf('ci')},
    {args: ['exec', 'build', '--', 'true']},
    {args: ['ssh', 'config', HOST]},
    {args: ['store', 'list']},
    {args: ['store', 'use', 'vault', '--dry-run']},
    {args: ['store', 'move', 'vault']},
    {args: ['store', 'check', '--fix'], before: forgetIndex},
    {args: ['token', 'revoke', 'build', '--yes']},
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
    {args: ['group', 'remove-token', 'builders', 'ci']},
    {args: ['policy', 'delete', 'Builders', '--yes'], ends: 7},
    {args: ['policy', 'create', 'Other', '--group', 'builders']},
    {args: ['policy', 'attach', 'Other', 'GitLab']},
    {args: ['policy', 'detach', 'Builders', 'GitLab']},
    {args: ['policy', 'detach', 'Other', 'GitLab']},
    {args: ['policy', 'delete', 'Builders', '--dry-run']},
    {args: ['policy', 'delete', 'Builders', '--yes']},
    {args: ['policy', 'delete', 'Other', '--yes']},
    {args: ['group', 'delete', 'builders', '--dry-run']},
    {args: ['group', 'delete', 'builders', '--yes']},
    {args: ['policy', 'make-reusable', 'Legacy', '--all', '--yes']},
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
    {args: ['app', 'remove-rule', 'GitLab', '1', '--yes']},
    ...undoAll(10),
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
    {args: ['token', 'list', '--search', 'zone', '--name', 'of-the-zone', '--zone', 'widgetcorp.tech']},
    {args: ['token', 'show', 'of-the-zone', '--zone', 'widgetcorp.tech']},
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
    {args: ['token', 'create', 'stranger']},
    {args: ['ssh', HOST, '--token', 'stranger', '--yes', '--', '-T'], ends: 255},
    {args: ['ssh', 'check', HOST, '--token', 'stranger', '--yes'], ends: 10},
    {args: ['ssh', 'proxy', HOST, '--token', 'stranger', '--yes'], ends: 10},
    {args: ['curl', `https://${HOST}/`, '--token', 'stranger', '--yes'], ends: 10},
    {args: ['forward', HOST, '--http', '--token', 'stranger', '--yes'], during: askOnce},
  ],

  'the sandbox, which is another account': [
    {args: ['sandbox', 'start']},
    {args: ['sandbox', 'status']},
    {args: ['sandbox', 'reset', '--yes']},
    {args: ['sandbox', 'stop']},
  ],
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

/** What `token create NAME --reveal` printed, as `token import` reads it. */
function pairOf(name: string): (world: CommandWorld) => string {
  return ({printed}) => JSON.stringify(printed.get(`token create ${name} --reveal`))
}

/** The index is lost, and the stores are not. */
async function forgetIndex({zt}: CommandWorld): Promise<void> {
  await fs.rm(path.join(zt.home, 'DATA', 'zt', 'index'), {recursive: true})
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
