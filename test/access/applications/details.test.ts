import {Ajv2020} from 'ajv/dist/2020.js'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {applicationDetails, policyDetails} from '../../../src/lib/access/applications/details.js'
import type {JsonObject} from '../../../src/lib/core/json.js'
import {applicationDetailFacts, policyDetailFacts} from '../../../src/lib/command/present/details.js'
import {SCHEMAS} from '../../support/json-schemas.js'

/** `label: value`, one line for each. */
function inWords(facts: readonly [string, string | undefined][]): string[] {
  return facts.flatMap(([label, value]) => (value === undefined ? [] : [`${label}: ${value}`]))
}

describe('what is set on an application', () => {
  it.each<[string, JsonObject, object, string[]]>([
    ['nothing', {}, {}, []],
    ['the audience', {aud: 'a1'}, {audience: 'a1'}, ['audience: a1']],
    ['the session', {session_duration: '24h'}, {sessionDuration: '24h'}, ['session: 24h']],
    [
      'public destinations only, which are its domains',
      {destinations: [{type: 'public', uri: 'a.example.com'}, {uri: 'b.example.com'}]},
      {
        destinations: [
          {type: 'public', uri: 'a.example.com'},
          {type: 'public', uri: 'b.example.com'},
        ],
      },
      [],
    ],
    [
      'private destinations, Workers and MCP servers',
      {
        destinations: [
          {type: 'private', cidr: '10.0.0.0/8', port_range: '22-23', l4_protocol: 'tcp', vnet_id: 'v'},
          {type: 'private', hostname: 'git.internal'},
          {type: 'worker', worker_id: 'w'},
          {type: 'preview_worker', worker_id: 'w'},
          {type: 'all_workers'},
          {type: 'all_preview_workers'},
          {type: 'via_mcp_server_portal', mcp_server_id: 'm'},
          {type: 'of_tomorrow', x: 1},
        ],
      },
      {
        destinations: [
          {type: 'private', cidr: '10.0.0.0/8', portRange: '22-23', protocol: 'tcp', vnetId: 'v'},
          {type: 'private', hostname: 'git.internal'},
          {type: 'worker', workerId: 'w'},
          {type: 'preview_worker', workerId: 'w'},
          {type: 'all_workers'},
          {type: 'all_preview_workers'},
          {type: 'via_mcp_server_portal', mcpServerId: 'm'},
          {type: 'of_tomorrow'},
        ],
      },
      [
        'also covers: 10.0.0.0/8, port 22-23, TCP, virtual network v',
        ': git.internal',
        ': Worker w',
        ': previews of the Worker w',
        ': all Workers',
        ': previews of all Workers',
        ': MCP server m, through a portal',
        ': of_tomorrow',
      ],
    ],
    [
      'paths that are open to all',
      {
        destinations: [
          {
            uri: 'a.example.com',
            overrides: [
              {behavior: 'public', path_pattern: '/healthz'},
              {behavior: 'other', path_pattern: '/x'},
            ],
          },
        ],
      },
      {destinations: [{type: 'public', uri: 'a.example.com', publicPaths: ['/healthz']}]},
      ['open to all: /healthz of a.example.com'],
    ],
    [
      'targets, in the present and in the former form',
      {
        target_criteria: [
          {
            ...{protocol: 'SSH', port: 22, include: {target_attributes: {hostname: ['a', 'b']}}},
            ...{require: {tags: {team: ['x']}}, exclude: {tags: {env: ['old']}}},
          },
          {protocol: 'RDP', port: 3389, target_attributes: {hostname: ['c']}},
        ],
      },
      {
        targets: [
          {
            ...{protocol: 'SSH', port: 22, include: ['hostname a', 'hostname b']},
            ...{require: ['tag team:x'], exclude: ['tag env:old']},
          },
          {protocol: 'RDP', port: 3389, include: ['hostname c'], require: [], exclude: []},
        ],
      },
      [
        'targets: SSH, port 22; hostname a, hostname b; only with tag team:x; without tag env:old',
        ': RDP, port 3389; hostname c',
      ],
    ],
    [
      'targets of which nothing is known',
      {target_criteria: [{}, {port: 22}]},
      {
        targets: [
          {include: [], require: [], exclude: []},
          {port: 22, include: [], require: [], exclude: []},
        ],
      },
      ['targets: port 22'],
    ],
    [
      'the login',
      {allowed_idps: ['i', 'j'], auto_redirect_to_identity: true, allow_authenticate_via_warp: true},
      {identityProviders: ['i', 'j'], autoRedirect: true, warpLogin: true},
      ['login: identity provider i, j, without a choice, or a WARP session'],
    ],
    ['no login that is set to be off', {auto_redirect_to_identity: false}, {autoRedirect: false}, []],
    ['Managed OAuth', {oauth_configuration: {grant: {}}}, {managedOauth: true}, ['Managed OAuth: on']],
    ['no Managed OAuth', {oauth_configuration: {enabled: false}}, {managedOauth: false}, []],
    [
      'the header of service tokens',
      {read_service_tokens_from_header: 'Authorization'},
      {tokenHeader: 'Authorization'},
      ['token header: Authorization'],
    ],
    [
      'the bypass of preflight requests',
      {options_preflight_bypass: true},
      {optionsBypass: true},
      ['preflight: OPTIONS requests pass without Access'],
    ],
    [
      'CORS',
      {
        cors_headers: {
          ...{allow_all_origins: true, allowed_methods: ['GET', 'POST'], allowed_headers: ['x-a']},
          ...{allow_credentials: true, max_age: 600},
        },
      },
      {
        cors: {
          ...{origins: ['*'], methods: ['GET', 'POST'], headers: ['x-a'], credentials: true},
          maxAgeSeconds: 600,
        },
      },
      ['CORS: origins any; methods GET, POST; headers x-a; with credentials; for 600 s'],
    ],
    [
      'the cookie',
      {
        ...{http_only_cookie_attribute: true, same_site_cookie_attribute: 'lax'},
        ...{enable_binding_cookie: true, path_cookie_attribute: true},
      },
      {cookie: {httpOnly: true, sameSite: 'lax', binding: true, onlyPath: true}},
      ['cookie: HttpOnly, SameSite=lax, bound to the browser, only for the path'],
    ],
    ['MFA that is off', {mfa_config: {mfa_disabled: true}}, {mfa: {disabled: true}}, ['MFA: off']],
    [
      'SCIM, without its secrets',
      {
        scim_config: {
          ...{idp_uid: 'i', enabled: true, remote_uri: 'https://u:hunter2@a.example.com/scim?key=hunter2'},
          authentication: [
            {scheme: 'access_service_token', client_id: 'ci.access', client_secret: 'hunter2'},
            {scheme: 'httpbasic', user: 'u', password: 'hunter2'},
          ],
        },
      },
      {scim: {enabled: true, remoteUri: 'https://a.example.com/scim', serviceTokens: ['ci.access']}},
      ['SCIM: on, to https://a.example.com/scim, with the service token ci.access'],
    ],
    [
      'SCIM of which it is not known whether it is on',
      {scim_config: {enabled: 'x', remote_uri: 'https://a.example.com/scim'}},
      {scim: {remoteUri: 'https://a.example.com/scim'}},
      ['SCIM: to https://a.example.com/scim'],
    ],
    ['SCIM that is off', {scim_config: {enabled: false}}, {scim: {enabled: false}}, ['SCIM: off']],
    [
      'where the denied go',
      {custom_deny_url: 'https://a.example.com/p', custom_non_identity_deny_url: 'https://a.example.com/m'},
      {denyUrl: 'https://a.example.com/p', nonIdentityDenyUrl: 'https://a.example.com/m'},
      ['denied people: go to https://a.example.com/p', 'denied others: go to https://a.example.com/m'],
    ],
  ])('is %s', (_, raw, expected, words) => {
    const details = applicationDetails(raw)
    expect(details).toEqual(expected)
    expect(inWords(applicationDetailFacts(details))).toEqual(words)
  })
})

describe('what is set on a policy', () => {
  it.each<[string, JsonObject, object, string[]]>([
    ['nothing', {}, {}, []],
    ['the session', {session_duration: '30m'}, {sessionDuration: '30m'}, ['session: 30m']],
    ['no session that is null', {session_duration: null}, {}, []],
    [
      'approval',
      {
        approval_required: true,
        approval_groups: [
          {approvals_needed: 1, email_addresses: ['a@example.com', 'b@example.com']},
          {approvals_needed: 2, email_list_uuid: 'l'},
        ],
      },
      {
        approval: {
          required: true,
          groups: [
            {approvals: 1, emails: ['a@example.com', 'b@example.com']},
            {approvals: 2, emailListId: 'l'},
          ],
        },
      },
      ['approval: required; 1 of a@example.com, b@example.com; 2 of email list l'],
    ],
    [
      'no approval that is off',
      {approval_required: false, approval_groups: []},
      {approval: {required: false, groups: []}},
      [],
    ],
    [
      'a purpose',
      {purpose_justification_required: true, purpose_justification_prompt: 'Why?'},
      {purposeJustification: {required: true, prompt: 'Why?'}},
      ['purpose: asked: Why?'],
    ],
    [
      'isolation',
      {isolation_required: true},
      {isolationRequired: true},
      ['isolation: only in an isolated browser'],
    ],
    [
      'MFA',
      {mfa_config: {allowed_authenticators: ['totp', 'security_key'], session_duration: '12h'}},
      {mfa: {authenticators: ['totp', 'security_key'], sessionDuration: '12h'}},
      ['MFA: by totp, security_key, for 12h'],
    ],
    [
      'SSH users',
      {connection_rules: {ssh: {usernames: ['root', 'git'], allow_email_alias: true}}},
      {ssh: {usernames: ['root', 'git'], emailAlias: true}},
      ['SSH users: root, git, the email alias'],
    ],
    [
      'the clipboard of RDP',
      {connection_rules: {rdp: {allowed_clipboard_local_to_remote_formats: ['text', 'file']}}},
      {rdpClipboard: {toRemote: ['text', 'file'], fromRemote: []}},
      ['clipboard: to the remote: text, file; from it: nothing'],
    ],
  ])('is %s', (_, raw, expected, words) => {
    const details = policyDetails(raw)
    expect(details).toEqual(expected)
    expect(inWords(policyDetailFacts(details))).toEqual(words)
  })
})

const APPLICATION_FIELDS = [
  ...['aud', 'session_duration', 'destinations', 'target_criteria', 'allowed_idps', 'oauth_configuration'],
  ...[
    'auto_redirect_to_identity',
    'read_service_tokens_from_header',
    'cors_headers',
    'mfa_config',
    'scim_config',
  ],
  ...[
    'same_site_cookie_attribute',
    'http_only_cookie_attribute',
    'custom_deny_url',
    'options_preflight_bypass',
  ],
]
const POLICY_FIELDS = [
  ...['session_duration', 'approval_required', 'approval_groups', 'purpose_justification_prompt'],
  ...['isolation_required', 'mfa_config', 'connection_rules'],
]
const INNER = [
  ...['type', 'uri', 'cidr', 'overrides', 'behavior', 'path_pattern', 'include', 'tags', 'target_attributes'],
  ...['hostname', 'allow_all_origins', 'allowed_origins', 'max_age', 'authentication', 'scheme', 'client_id'],
  ...['remote_uri', 'enabled', 'approvals_needed', 'email_addresses', 'ssh', 'usernames', 'rdp'],
]

describe('whatever the API sends', () => {
  const ajv = new Ajv2020({allErrors: true, allowUnionTypes: true, formats: {'date-time': true}})
  ajv.addSchema(SCHEMAS.get('definitions') ?? {}, 'definitions.schema.json')
  const {value} = fc.letrec((tie) => ({
    value: fc.oneof(
      {maxDepth: 4},
      fc.constantFrom('public', 'private', 'access_service_token', 'https://a:b@c/d', '', '*', '{"a":1}'),
      fc.jsonValue({maxDepth: 1}),
      fc.array(tie('value'), {maxLength: 3}),
      fc.dictionary(fc.constantFrom(...INNER), tie('value'), {maxKeys: 5}),
    ),
  }))
  const raw = (fields: readonly string[]): fc.Arbitrary<JsonObject> =>
    fc.dictionary(fc.constantFrom(...fields), value)

  it.each([
    ['applicationSettings', APPLICATION_FIELDS, (one: JsonObject) => applicationDetails(one)],
    ['policySettings', POLICY_FIELDS, (one: JsonObject) => policyDetails(one)],
  ] as const)('the JSON is as %s describes it', (name, fields, read) => {
    const validate = ajv.compile({$ref: `definitions.schema.json#/$defs/${name}`})
    fc.assert(
      fc.property(raw(fields), (one) => {
        expect(validate(JSON.parse(JSON.stringify(read(one)))), JSON.stringify(validate.errors)).toBe(true)
      }),
    )
  })

  it('the words have no object in them', () => {
    fc.assert(
      fc.property(raw(APPLICATION_FIELDS), raw(POLICY_FIELDS), (application, policy) => {
        const words = [
          ...inWords(applicationDetailFacts(applicationDetails(application))),
          ...inWords(policyDetailFacts(policyDetails(policy))),
        ]
        expect(words.filter((line) => /\[object|undefined/.test(line))).toEqual([])
      }),
    )
  })
})
