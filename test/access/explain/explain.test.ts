import {describe, expect, it} from 'vitest'
import {explainFailure} from '../../../src/lib/access/explain/explain.js'
import type {AccessContext} from '../../../src/lib/access/account/context.js'
import type {AccessApi, Application, Group, Policy, ServiceToken} from '../../../src/lib/api/types.js'
import type {IndexEntry} from '../../../src/lib/secrets/index-files.js'
import {ApiError, UserError, type UserErrorOptions} from '../../../src/lib/core/errors.js'
import {RefusedError} from '../../../src/lib/tunnel/failure/refusal.js'
import type {EdgeAnswer} from '../../../src/lib/tunnel/types.js'
import {
  OTHER_TOKEN,
  TOKEN,
  anyToken,
  application,
  byGroup,
  byToken,
  everyone,
  group,
  policy,
  staff,
} from '../../policy/fixtures.js'

const NOW = Date.parse('2026-10-01T00:00:00Z')
const HOST = 'gitlab-ssh.widgetcorp.tech'
const EXPLAIN = `zt app explain ${HOST} --token gitlab-admin`
const ADD_RULE = 'zt app add-rule GitLab --service-auth --token gitlab-admin'

const gitlabAdmin: ServiceToken = {
  id: TOKEN,
  clientId: 'f00d.access',
  name: 'gitlab-admin',
  duration: '8760h',
  enabled: true,
  expiresAt: '2027-10-01T00:00:00Z',
  createdAt: undefined,
  updatedAt: undefined,
  lastSeenAt: undefined,
  secretVersion: undefined,
}

const toLogin: EdgeAnswer = {by: 'access', status: 302, reason: 'login', ray: 'ray-1'}
const staffRule = policy('Widgetcorp staff', 'allow', {include: [staff]})

interface Account {
  policies?: Policy[]
  groups?: Group[]
  tokens?: ServiceToken[]
  applications?: Application[]
  answer?: Partial<EdgeAnswer>
  profileNamed?: boolean
  /** What the organisation says of strict authentication. */
  strict?: boolean
  /** The zones of the account that the host may be in, and the applications that belong to the first. */
  zones?: {id: string; name: string}[]
  zoneApplications?: Application[]
  /** What this machine knows of the token's secret. */
  stored?: Partial<IndexEntry>
  bound?: boolean
  cookie?: boolean
  xhr?: boolean
  certificate?: boolean
  /** Methods that throw. */
  failing?: Partial<Record<keyof AccessApi, Error>>
  tokenId?: string | undefined
}

const denied = (message: string): ApiError =>
  new ApiError({kind: 'permission', code: 'PERMISSION_MISSING', message, status: 403})

interface Explained {
  error: UserError
  why: string
  next: readonly string[]
  /** What the person was shown meanwhile. */
  steps: string[]
}

async function explain(account: Account): Promise<Explained> {
  const {policies = [staffRule], groups = [], tokens = [gitlabAdmin], failing = {}} = account
  const applications = account.applications ?? [{...application('app-1', [HOST]), name: 'GitLab'}]
  const answer =
    <T>(name: keyof AccessApi, value: T) =>
    (): Promise<T> =>
      failing[name] ? Promise.reject(failing[name]) : Promise.resolve(value)
  const api: Record<string, unknown> = {
    listApplications: answer('listApplications', applications),
    listServiceTokens: answer('listServiceTokens', tokens),
    listApplicationPolicies: answer('listApplicationPolicies', policies),
    listGroups: answer('listGroups', groups),
    getOrganization: answer('getOrganization', {strict_service_token_auth: account.strict ?? false}),
    listZones: ({name}: {name: string}) =>
      answer(
        'listZones',
        (account.zones ?? []).filter((zone) => zone.name === name),
      )(),
    inZone: () => ({
      ...api,
      listApplications: answer('inZone', account.zoneApplications ?? []),
      listServiceTokens: answer('inZone', []),
    }),
    clockAhead: () => undefined,
  }
  const steps: string[] = []
  const ctx = {
    profile: 'sandbox',
    profileNamed: account.profileNamed ?? false,
    api: () => (failing.verifyToken ? Promise.reject(failing.verifyToken) : Promise.resolve(api)),
    clock: {now: () => NOW},
    index: {
      list: () => Promise.resolve(account.stored ? [{tokenId: TOKEN, ...account.stored}] : []),
      bindingFor: () => Promise.resolve(account.bound === true ? {tokenId: TOKEN} : undefined),
    },
    progress: {step: (text: string) => steps.push(text)},
  } as unknown as AccessContext
  const error = await explainFailure(ctx, {
    host: HOST,
    tokenId: 'tokenId' in account ? account.tokenId : TOKEN,
    clientId: 'f00d.access',
    ...{cookie: account.cookie, xhr: account.xhr, certificate: account.certificate},
    error: new RefusedError(HOST, {...toLogin, ...account.answer}),
  })
  return {error, why: error.why ?? '', next: error.next, steps}
}

describe('a rule that is proposed', () => {
  it.each([
    [['*.widgetcorp.tech'], ' A rule of "GitLab" counts for *.widgetcorp.tech.'],
    [[HOST, 'a.widgetcorp.tech', 'b.widgetcorp.tech', 'c.widgetcorp.tech'], ` A rule of "GitLab" counts for ${HOST}, a.widgetcorp.tech, b.widgetcorp.tech and 1 more.`],
    [[HOST], ''],
  ])('says what else it opens: %s', async (domains, said) => {
    const {why, next} = await explain({applications: [{...application('app-1', domains), name: 'GitLab'}]})
    expect(why).toContain(`No Service Auth rule admits the service token "gitlab-admin".${said} (CF-RAY`)
    expect(next).toEqual([ADD_RULE])
  }) // prettier-ignore
})

describe('a refusal is explained', () => {
  it("for the demo's case: an identity rule only, and the command that fixes it", async () => {
    const {error} = await explain({})
    expect(error).toMatchObject({
      kind: 'refused',
      code: 'ACCESS_REFUSED',
      message: `Access refused the service token for ${HOST} (it asks for a login)`,
      whyLines: [
        'The application "GitLab" has only identity rules ("Widgetcorp staff"), which require a person\'s login. No Service Auth rule admits the service token "gitlab-admin". (CF-RAY ray-1)',
      ],
      next: [ADD_RULE],
      details: {host: HOST, status: 302, reason: 'login', application: {id: 'app-1', name: 'GitLab'}},
    })
  })

  const cases: [string, Account, string, string | RegExp][] = [
    ['an application without rules', {policies: []}, 'has no rules', ADD_RULE],
    [
      'a Service Auth rule for another token',
      {policies: [policy('CI', 'non_identity', {include: [byToken(OTHER_TOKEN)]})]},
      'No rule of "GitLab" admits it',
      ADD_RULE,
    ],
    [
      'the trap: named by an Allow rule',
      {policies: [policy('Machines', 'allow', {include: [staff, byToken()]})]},
      'The rule "Machines" names the token under the action Allow, which still requires a login.',
      ADD_RULE,
    ],
    [
      'the trap: in a group that an Allow rule uses',
      {
        policies: [policy('Machines', 'allow', {include: [byGroup('outer')]})],
        groups: [group('outer', {include: [byGroup('ci')]}), group('ci', {include: [byToken()]})],
      },
      'The rule "Machines" names the token\'s Access group "outer group" under the action Allow',
      ADD_RULE,
    ],
    [
      'the trap: named by a Bypass rule',
      {policies: [policy('Open', 'bypass', {include: [byToken()]})]},
      'The rule "Open" names the token under the action Bypass, which ignores service tokens.',
      ADD_RULE,
    ],
    [
      'a Block rule',
      {policies: [policy('No one', 'deny', {include: [everyone]})]},
      'The Block rule "No one" then refuses it.',
      `To go past the Block rule "No one", because Access evaluates Service Auth rules first: ${ADD_RULE}`,
    ],
    [
      'a Require for addresses',
      {policies: [policy('CI', 'non_identity', {include: [byToken()], require: [{ip: {ip: '10.0.0.0/8'}}]})]},
      'admits "gitlab-admin" only under conditions. A requirement may not be met: it is for addresses in 10.0.0.0/8',
      EXPLAIN,
    ],
    [
      'a Require for a country',
      {
        policies: [
          policy('CI', 'non_identity', {include: [anyToken], require: [{geo: {country_code: 'DE'}}]}),
        ],
      },
      'it is for the country DE',
      EXPLAIN,
    ],
    [
      'an Exclude of the token',
      {policies: [policy('CI', 'non_identity', {include: [anyToken], exclude: [byToken()]})]},
      'It excludes: it names this service token.',
      EXPLAIN,
    ],
    [
      'admitted all the same',
      {policies: [policy('CI', 'non_identity', {include: [byToken()]})]},
      'The rules of "GitLab" admit "gitlab-admin".',
      'zt token show gitlab-admin',
    ],
    [
      'an Exclude that cannot be checked here',
      {policies: [policy('CI', 'non_identity', {include: [byToken()], exclude: [{ip: {ip: '10.0.0.0/8'}}]})]},
      'It may exclude the client: it is for addresses in 10.0.0.0/8',
      EXPLAIN,
    ],
    [
      'credentials that strict authentication does not accept',
      {
        policies: [policy('CI', 'non_identity', {include: [byToken()]})],
        strict: true,
        answer: {status: 401, reason: 'unauthenticated'},
      },
      "The secret that was sent is not the token's current one",
      'zt token rotate gitlab-admin',
    ],
    [
      '401 by the setting of the application',
      {
        applications: [{...application('app-1', [HOST]), name: 'GitLab', serviceAuth401Redirect: true}],
        answer: {status: 401, reason: 'unauthenticated'},
      },
      'No Service Auth rule admits the service token',
      ADD_RULE,
    ],
    [
      'no application for the host',
      {applications: []},
      `No application of the account covers ${HOST}`,
      'zt app list',
    ],
    [
      'an application of another host',
      {applications: [application('app-2', ['*.example.com'])]},
      'No application of the account covers',
      'zt app list',
    ],
    [
      'the origin down',
      {
        answer: {by: 'service', status: 502, reason: 'origin-down'},
        policies: [policy('CI', 'non_identity', {include: [byToken()]})],
      },
      'the service behind it is down',
      /tunnel and its service/,
    ],
    [
      'too many requests',
      {answer: {by: 'service', status: 429, reason: 'rate-limited'}},
      'too many requests',
      /minute/,
    ],
    [
      'a plain web server that no application covers',
      {answer: {by: 'service', status: 404, reason: 'other'}, applications: []},
      `No application of the account covers ${HOST}`,
      'zt app list',
    ],
    [
      'a plain web server that the rules let the token through to',
      {
        answer: {by: 'service', status: 404, reason: 'other'},
        policies: [policy('CI', 'non_identity', {include: [byToken()]})],
      },
      'WebSockets may be off in the zone',
      `zt app show ${HOST}`,
    ],
    [
      'names that need quotes',
      {applications: [{...application('app-1', [HOST]), name: "Bob's GitLab"}]},
      'Bob',
      `zt app add-rule 'Bob'\\''s GitLab' --service-auth --token gitlab-admin`,
    ],
    [
      'a profile that was named',
      {profileNamed: true},
      'No Service Auth rule',
      `${ADD_RULE} --profile sandbox`,
    ],
    [
      'names that others have too',
      {
        applications: [
          {...application('app-1', [HOST]), name: 'GitLab'},
          {...application('app-2', ['other.example.com']), name: 'GitLab'},
        ],
        tokens: [gitlabAdmin, {...gitlabAdmin, id: OTHER_TOKEN, clientId: 'beef.access'}],
      },
      'No Service Auth rule',
      `zt app add-rule app-1 --service-auth --token ${TOKEN}`,
    ],
    ['a token known by its client ID only', {tokenId: undefined}, 'No Service Auth rule admits', ADD_RULE],
  ]
  it.each(cases)('%s', async (_name, account, why, next) => {
    const found = await explain(account)
    expect(found.why).toContain(why)
    expect(found.next).toContainEqual(typeof next === 'string' ? next : expect.stringMatching(next))
  })

  const RAY = '(CF-RAY ray-1)'
  const SHOW = 'zt app show GitLab'
  const rule = (name: string, rules: Parameters<typeof policy>[2]): Policy =>
    policy(name, 'non_identity', rules)
  const other = {...gitlabAdmin, id: OTHER_TOKEN, clientId: 'beef.access', name: 'other'}
  const admitting = [rule('CI', {include: [byToken()]})]
  const MAYBE =
    "The secret that was sent may not be the token's current one. zt does not know whether it was rotated elsewhere since it was saved."
  const CHECK_SECRET = [
    'zt token show gitlab-admin',
    'zt token import gitlab-admin --replace',
    'zt token rotate gitlab-admin',
  ]
  const whole: [string, Account, why: string, next: string[]][] = [
    [
      'two identity rules',
      {policies: [staffRule, policy('Admins', 'allow', {include: [staff], exclude: [everyone]})]},
      `The application "GitLab" has only identity rules ("Widgetcorp staff", "Admins"), which require a person's login. No Service Auth rule admits the service token "gitlab-admin". ${RAY}`,
      [ADD_RULE],
    ],
    [
      'an identity rule that excludes everyone',
      {policies: [policy('Closed', 'allow', {include: [staff], exclude: [everyone]})]},
      `The application "GitLab" has only identity rules ("Closed"), which require a person's login. No Service Auth rule admits the service token "gitlab-admin". ${RAY}`,
      [ADD_RULE],
    ],
    [
      'a Block rule that names the token, which counts for nothing there',
      {policies: [staffRule, policy('Out', 'deny', {include: [byToken()]})]},
      `No rule of "GitLab" admits it. No Service Auth rule admits the service token "gitlab-admin". ${RAY}`,
      [ADD_RULE],
    ],
    [
      'a Block rule',
      {policies: [policy('No one', 'deny', {include: [everyone]})]},
      `No rule of "GitLab" admits it. No Service Auth rule admits the service token "gitlab-admin". The Block rule "No one" then refuses it. ${RAY}`,
      [
        SHOW,
        `To go past the Block rule "No one", because Access evaluates Service Auth rules first: ${ADD_RULE}`,
      ],
    ],
    [
      'a group beside another rule',
      {
        policies: [policy('Machines', 'allow', {include: [staff, byGroup('ci')]})],
        groups: [group('ci', {include: [byToken()]})],
      },
      `The rule "Machines" names the token's Access group "ci group" under the action Allow, which still requires a login. No Service Auth rule admits the service token "gitlab-admin". ${RAY}`,
      [ADD_RULE],
    ],
    [
      'an Exclude of a group',
      {
        policies: [rule('CI', {include: [byToken()], exclude: [byGroup('ci')]})],
        groups: [group('ci', {include: [byToken()]})],
      },
      `The Service Auth rule "CI" admits "gitlab-admin" only under conditions. It excludes: Access group "ci group": it names this service token. ${RAY}`,
      [EXPLAIN],
    ],
    [
      'admitted',
      {policies: [rule('CI', {include: [byToken()]})]},
      `The rules of "GitLab" admit "gitlab-admin". ${MAYBE} ${RAY}`,
      CHECK_SECRET,
    ],
    [
      'an Exclude of addresses',
      {policies: [rule('CI', {include: [byToken()], exclude: [{ip: {ip: '10.0.0.0/8'}}]})]},
      `The Service Auth rule "CI" admits "gitlab-admin" only under conditions. It may exclude the client: it is for addresses in 10.0.0.0/8, and zt does not know the client's address. Or: ${MAYBE} ${RAY}`,
      [
        'zt token show gitlab-admin',
        EXPLAIN,
        'Connect from elsewhere than an address in 10.0.0.0/8',
        ...CHECK_SECRET.slice(1),
      ],
    ],
    [
      'a secret that is not the current one',
      {policies: admitting, strict: true, answer: {status: 401, reason: 'unauthenticated'}},
      `The rules of "GitLab" admit "gitlab-admin". The edge does not accept the credentials, although "gitlab-admin" is enabled and has not expired. The secret that was sent is not the token's current one. zt does not know whether it was rotated elsewhere since it was saved. ${RAY}`,
      CHECK_SECRET,
    ],
    [
      'a token that is disabled',
      {tokens: [{...gitlabAdmin, enabled: false}], policies: admitting},
      `Service token "gitlab-admin" is disabled, so it opens nothing. ${RAY}`,
      ['zt token enable gitlab-admin'],
    ],
    [
      'a token that is expired',
      {tokens: [{...gitlabAdmin, expiresAt: '2026-09-30T23:59:59Z'}], policies: admitting},
      `Service token "gitlab-admin" is expired, so it opens nothing. ${RAY}`,
      ['zt token refresh gitlab-admin'],
    ],
    [
      'a token that the account does not have',
      {tokens: [other]},
      `The account has no service token with these credentials: it was deleted, or belongs to another account. ${RAY}`,
      ['zt token list'],
    ],
    [
      'a token known by its ID only',
      {tokens: [other, {...gitlabAdmin, clientId: 'another.access'}], policies: []},
      `The application "GitLab" has no rules. No Service Auth rule admits the service token "gitlab-admin". ${RAY}`,
      [ADD_RULE],
    ],
    [
      'other things with other names',
      {
        applications: [
          {...application('app-1', [HOST]), name: 'GitLab'},
          {...application('app-2', ['other.example.com']), name: 'Other'},
        ],
        tokens: [other, gitlabAdmin],
        policies: [],
      },
      `The application "GitLab" has no rules. No Service Auth rule admits the service token "gitlab-admin". ${RAY}`,
      [ADD_RULE],
    ],
    [
      'no application',
      {applications: []},
      `No application of the account covers ${HOST}. The host is in no zone of this account. ${RAY}`,
      ['zt app list'],
    ],
  ]
  it.each(whole)('in whole sentences: %s', async (_name, account, why, next) => {
    const found = await explain(account)
    expect({why: found.why, next: found.next, steps: found.steps}).toEqual({why, next, steps: ['Asking why']})
  })

  it.each([
    ['disabled', [{...gitlabAdmin, enabled: false}], 'is disabled'],
    ['expired', [{...gitlabAdmin, expiresAt: '2026-09-30T23:59:59Z'}], 'is expired'],
    [
      'unknown',
      [{...gitlabAdmin, id: OTHER_TOKEN, clientId: 'beef.access'}],
      'no service token with these credentials',
    ],
  ] as const)('a token that is %s, whatever the rules', async (_, tokens, why) => {
    const policies = [policy('CI', 'non_identity', {include: [byToken()]})]
    const found = await explain({tokens: [...tokens], policies})
    expect(found.why).toContain(why)
    expect(found.error.details).toMatchObject({application: {name: 'GitLab'}})
    expect(found.next.join()).not.toContain('add-rule')
  })
})

describe('the secret that was sent', () => {
  const admitting = [policy('CI', 'non_identity', {include: [byToken()]})]
  const version = (secretVersion: number): ServiceToken[] => [{...gitlabAdmin, secretVersion}]
  const CHECK = ['zt token show gitlab-admin']
  const CHANGE = ['zt token import gitlab-admin --replace', 'zt token rotate gitlab-admin']
  const unauthenticated: Partial<EdgeAnswer> = {status: 401, reason: 'unauthenticated'}

  it.each<[string, Account, why: RegExp, next: string[]]>([
    [
      'is older than the current one: it was rotated elsewhere',
      {tokens: version(3), stored: {secretVersion: 2}},
      /stored here is version 2, and the token's current one is version 3: it was rotated elsewhere\. It works until the end of a grace period, if there is one\. \(CF-RAY/,
      CHANGE,
    ],
    [
      'was imported, and may be another one',
      {tokens: version(2), stored: {secretVersion: 2, imported: true}},
      /may not be the token's current one\. It was imported/,
      [...CHECK, ...CHANGE],
    ],
    [
      'is of an unknown version',
      {tokens: version(2), stored: {}},
      /zt does not know whether it was rotated elsewhere/,
      [...CHECK, ...CHANGE],
    ],
    [
      'is of a token whose version the API does not show',
      {tokens: [gitlabAdmin], stored: {secretVersion: 2}},
      /zt does not know whether it was rotated elsewhere/,
      [...CHECK, ...CHANGE],
    ],
    [
      'is from the environment',
      {tokens: version(2), stored: {secretVersion: 2}, tokenId: 'env'},
      /may not be the token's current one\. It is from the environment, and zt cannot compare it/,
      [...CHECK, 'Set the client ID and the client secret in the environment to the current pair'],
    ],
    [
      'is the current one: a change may not have reached the edge',
      {tokens: version(2), stored: {secretVersion: 2}, bound: true},
      /The secret that zt saved is the current one \(version 2\)\. A change may not have reached the edge yet.*Or: The secret that was sent may not be.*zt saved it as version 2, which is the current one: the store may have changed since/,
      [...CHECK, `zt ssh check ${HOST}`, ...CHANGE],
    ],
    [
      'is refused by strict authentication, although it is the current one',
      {tokens: version(2), stored: {secretVersion: 2}, strict: true, answer: unauthenticated},
      /The edge does not accept the credentials.*is not the token's current one/,
      [...CHECK, ...CHANGE],
    ],
    [
      'is accepted by strict authentication, which refuses the rules',
      {
        tokens: version(3),
        stored: {secretVersion: 2},
        strict: true,
        answer: {status: 403, reason: 'forbidden'},
      },
      /Access accepted its credentials\. A change may not have reached the edge yet/,
      ['Run the command again in two minutes'],
    ],
  ])('%s', async (_, account, why, next) => {
    const found = await explain({policies: admitting, ...account})
    expect(found.why).toMatch(why)
    expect(found.next).toEqual(next)
  })

  it.each<[string, Partial<Application>]>([
    ['service_auth_401_redirect', {serviceAuth401Redirect: true}],
    ['Managed OAuth', {raw: {oauth_configuration: {enabled: true}}}],
  ])('is not shown to be wrong by a 401 of an application with %s', async (setting, settings) => {
    const applications = [{...application('app-1', [HOST]), name: 'GitLab', ...settings}]
    const found = await explain({
      ...{policies: admitting, applications, answer: unauthenticated},
      ...{tokens: version(2), stored: {secretVersion: 2, imported: true}},
    })
    expect(found.why).toContain(`By its setting ${setting}, the application answers 401`)
    expect(found.why).toContain('may not be')
    expect(found.next[0]).toBe(CHECK[0])
  })

  it('is not shown to be wrong by a 403 of an application without an Allow rule', async () => {
    const answer = {by: 'access', status: 403, reason: 'forbidden'} as const
    const known = {answer, tokens: version(2), stored: {secretVersion: 2, imported: true}}
    const alike = '"GitLab" has no Allow rule, so Access answers 403 to every client that it does not admit, and the answer does not show whether the secret is right.'
    const found = await explain({...known, policies: admitting})
    expect(found.why).toContain(alike)
    expect(found.next[0]).toBe(CHECK[0])
    expect((await explain({...known, policies: [...admitting, staffRule]})).why).not.toContain(alike)
    expect((await explain({...known, policies: admitting, strict: true})).why).not.toContain(alike)
    const unsigned = {...answer, by: 'unknown'} as const
    expect((await explain({...known, policies: admitting, answer: unsigned})).why).not.toContain(alike)
    const failing = {getOrganization: denied('no')}
    expect((await explain({...known, policies: admitting, failing})).why).not.toContain(alike)
  }) // prettier-ignore

  it('is in doubt after a 401 that Access did not sign where the rules admit it: it may be of the service', async () => {
    const unsigned = {...unauthenticated, by: 'unknown'} as const
    const known = {tokens: version(2), stored: {secretVersion: 2}, strict: true}
    const causesOf = ({error}: Explained): unknown => error.details['causes']
    const {error, why} = await explain({...known, policies: admitting, answer: unsigned})
    expect(causesOf({error} as Explained)).toMatchObject([{id: 'secret', certain: false}])
    expect(error.message).toContain('or the service behind it refused the request')
    expect(why).toContain('the two look the same')
    expect(causesOf(await explain({...known, answer: unsigned}))).toMatchObject([
      {id: 'secret', certain: true},
      {id: 'rule-missing', certain: true},
    ])
  })

  it('is shown to be wrong by a 401 where no setting gives one and strict authentication is not known', async () => {
    const failing = {getOrganization: denied('no')}
    const found = await explain({policies: admitting, answer: unauthenticated, failing})
    expect(found.why).toContain("is not the token's current one")
  })

  it.each<[string, Account]>([
    [
      'the application',
      {
        applications: [
          {...application('app-1', [HOST]), name: 'GitLab', raw: {updated_at: '2026-09-30T23:59:00Z'}},
        ],
      },
    ],
    ['the rule "CI"', {policies: [{...admitting[0]!, raw: {updated_at: '2026-09-30T23:59:00Z'}}]}],
    ['the service token', {tokens: [{...gitlabAdmin, secretVersion: 2, updatedAt: '2026-10-01T00:01:00Z'}]}],
  ])('matters less where %s was changed just now', async (what, account) => {
    const found = await explain({
      ...{policies: admitting, tokens: version(2), stored: {secretVersion: 2, imported: true}},
      ...account,
    })
    const causes = (found.error.details as {causes: {id: string; certain: boolean}[]}).causes
    expect(causes.map(({id, certain}) => [id, certain])).toEqual([
      ['edge-delay', false],
      ['secret', false],
    ])
    expect(found.why).toMatch(
      what === 'the application' ? /A change of "GitLab"/ : new RegExp(`A change of ${what}`),
    )
  })
})

describe('a redirect to the login page that says whether the credentials were accepted', () => {
  const admitting = [policy('CI', 'non_identity', {include: [byToken()]})]
  const office = {ip: {ip: '10.0.0.0/8'}}
  const conditional = [policy('CI', 'non_identity', {include: [byToken()], require: [office]})]
  const stored = (secretVersion: number, ...more: Partial<IndexEntry>[]): Account => ({
    tokens: [{...gitlabAdmin, secretVersion: 2}],
    stored: Object.assign({secretVersion}, ...more) as Partial<IndexEntry>,
  })
  const imported = stored(2, {imported: true})
  const disabled = {tokens: [{...gitlabAdmin, enabled: false}]}
  const justNow = {tokens: [{...gitlabAdmin, secretVersion: 2, updatedAt: '2026-09-30T23:59:00Z'}]}

  /** Certain causes in capitals. */
  const causesIn = ({error}: Explained): string => {
    const {causes} = error.details as {causes: {id: string; certain: boolean}[]}
    return causes.map(({id, certain}) => (certain ? id.toUpperCase() : id)).join(' ')
  }

  it.each<[string, Account, accepted: string, notAccepted: string, unsaid: string]>([
    ['no rule', imported, 'RULE-MISSING', 'RULE-MISSING secret', 'RULE-MISSING'],
    ['no rule, and the current secret', stored(2), 'RULE-MISSING', 'RULE-MISSING', 'RULE-MISSING'],
    ['no rule, and an older secret', stored(1), 'RULE-MISSING', 'RULE-MISSING secret', 'RULE-MISSING secret'],
    ['a condition', {...imported, policies: conditional}, 'rule-condition', 'secret rule-condition', 'rule-condition secret'],
    ['a condition, and the current secret', {...stored(2), policies: conditional}, 'rule-condition', 'secret rule-condition edge-delay', 'rule-condition'],
    ['a rule that admits', {...imported, policies: admitting}, 'edge-delay', 'secret', 'secret'],
    ['a rule that admits, and the current secret', {...stored(2), policies: admitting}, 'edge-delay', 'secret edge-delay', 'edge-delay secret'],
    ['a rule that admits, and an older secret', {...stored(1), policies: admitting}, 'edge-delay', 'SECRET', 'SECRET'],
    ['a rule that admits, and a secret changed just now', {...imported, ...justNow, policies: admitting}, 'edge-delay', 'secret edge-delay', 'edge-delay secret'],
    ['a rule that admits, and a secret that zt made just now', {...stored(2), ...justNow, policies: admitting}, 'edge-delay', 'edge-delay secret', 'edge-delay'],
    ['a disabled token', {...disabled, policies: admitting}, 'TOKEN-DISABLED edge-delay', 'TOKEN-DISABLED', 'TOKEN-DISABLED'],
    ['a disabled token, and no rule', disabled, 'RULE-MISSING TOKEN-DISABLED edge-delay', 'TOKEN-DISABLED RULE-MISSING', 'TOKEN-DISABLED RULE-MISSING'],
    ['no application', {applications: []}, 'NO-APPLICATION', 'NO-APPLICATION', 'NO-APPLICATION'],
  ])('%s', async (_, account, ...expected) => {
    const said = (['accepted', 'not-accepted', undefined] as const).map(async (credentials) =>
      causesIn(await explain({...account, answer: {credentials}})),
    )
    expect(await Promise.all(said)).toEqual(expected)
  }) // prettier-ignore

  it('is quoted where it counts, and shown to scripts', async () => {
    const accepted = await explain({policies: conditional, answer: {credentials: 'accepted'}})
    expect(accepted.why).toContain('Access accepted its credentials.')
    expect(accepted.next.join()).not.toMatch(/rotate|import/)
    expect(accepted.error.details).toMatchObject({credentials: 'accepted'})
    const not = await explain({policies: conditional, answer: {credentials: 'not-accepted'}})
    expect(not.why).toMatch(/^Access says that it did not accept its credentials\. The secret that was sent/)
    expect(not.error.details).toMatchObject({credentials: 'not-accepted'})
  })

  it('decides what is named where the API cannot be asked', async () => {
    const failing = {listApplications: denied('no')}
    const why = async (credentials: EdgeAnswer['credentials']): Promise<string> =>
      (await explain({failing, answer: {credentials}})).why
    expect(await why('accepted')).not.toMatch(/secret|disabled/)
    expect(await why('not-accepted')).toMatch(
      /disabled or deleted, or has another secret\. Or no Service Auth/,
    )
  })
})

describe('a cookie of Access that was sent too', () => {
  it.each<[string, Account, string]>([
    [
      'counts only where a rule is Allow',
      {policies: []},
      '"GitLab" has no Allow rule, so the CF_Authorization cookie',
    ],
    ['was not accepted', {policies: [staffRule]}, 'Access did not accept the CF_Authorization cookie'],
    [
      'is ignored by strict authentication',
      {strict: true, answer: {status: 403, reason: 'forbidden'}},
      'Strict authentication ignores the CF_Authorization cookie',
    ],
  ])('%s', async (_, account, said) => {
    expect((await explain({...account, cookie: true})).why).toContain(said)
    expect((await explain(account)).why).not.toContain('cookie')
  })
})

describe('what a request had beside the token', () => {
  const ids = ({error}: Explained): string[] =>
    (error.details as {causes: {id: string}[]}).causes.map(({id}) => id)
  const unreadable = {failing: {getOrganization: denied('no')}}

  it('a certificate: a rule that requires one may be met', async () => {
    const policies = [policy('CI', 'non_identity', {include: [byToken()], require: [{certificate: {}}]})]
    expect((await explain({policies})).why).toContain('which zt does not send')
    const found = await explain({policies, certificate: true})
    expect(found.why).toContain('a client certificate, and zt does not know whether the client has one')
    expect(ids(found)).toContain('rule-condition')
  })

  it('an XMLHttpRequest: a 401 does not show whether the secret is right', async () => {
    const answer = {status: 401, reason: 'unauthenticated'} as const
    const found = await explain({answer, xhr: true, stored: {secretVersion: 2}, ...unreadable})
    expect(ids(found)).toEqual(['rule-missing'])
    expect(found.why).toContain('An XMLHttpRequest cannot log in, so Access answers 401 to every client')
    expect(ids(await explain({answer, stored: {secretVersion: 2}, ...unreadable}))).toContain('secret')
  })
})

describe('where Access asks no one for credentials', () => {
  const unsigned = {by: 'unknown', status: 403, reason: 'forbidden'} as const
  const stored = {secretVersion: 2, imported: true}

  it.each<[string, Account, string]>([
    ['a Bypass rule for everyone', {policies: [policy('Open', 'bypass', {include: [everyone]})]}, 'The rules of "GitLab" let in everyone'],
    ['the same, and a token that was deleted', {tokens: [], policies: [policy('Open', 'bypass', {include: [everyone]})]}, 'let in everyone'],
    ['a public path', {applications: [{...application('app-1', [HOST]), name: 'GitLab', raw: {destinations: [{type: 'public', uri: HOST, overrides: [{path_pattern: '/', behavior: 'public'}]}]}}]}, '"GitLab" makes this path public'],
  ])('%s: neither the token nor its secret is blamed', async (_, account, why) => {
    const {error, why: said, next} = await explain({stored, answer: unsigned, ...account})
    expect((error as RefusedError).answer.by).toBe('unknown')
    expect(said).toContain(why)
    expect(next.join()).not.toMatch(/token|add-rule/)
  }) // prettier-ignore

  it('a rule for everyone but this token is no such place', async () => {
    const policies = [policy('Others', 'non_identity', {include: [everyone], exclude: [byToken()]})]
    const {why} = await explain({stored, policies, answer: {...unsigned, by: 'access'}})
    expect(why).toContain('It excludes: it names this service token')
  })
})

describe('an application of the zone', () => {
  const zones = [{id: 'z', name: 'widgetcorp.tech'}]
  const ofZone = {...application('app-9', [HOST]), name: 'Zoned'}
  const named = (found: Explained): unknown =>
    (found.error.details as {application?: {name: string}}).application?.name

  it('covers a host that none of the account does', async () => {
    const found = await explain({applications: [], zones, zoneApplications: [ofZone]})
    expect(named(found)).toBe('Zoned')
    expect(found.next).toEqual(['zt app show Zoned --zone widgetcorp.tech'])
    expect(found.why).toContain('zt adds no rule across the two')
  })

  it('comes before a less specific one of the account', async () => {
    const applications = [application('app-1', ['*.widgetcorp.tech'])]
    expect(named(await explain({applications, zones, zoneApplications: [ofZone]}))).toBe('Zoned')
    expect(named(await explain({applications, zones}))).toBe('app-1')
  })

  it.each<[string, Account, string, boolean]>([
    ['the zone has none', {zones}, `covers ${HOST}.`, true],
    ['the host is in no zone', {}, 'The host is in no zone of this account.', true],
    [
      'zones may not be listed',
      {failing: {listZones: denied('no')}},
      'the API token may not list zones',
      false,
    ],
  ])('is missing: %s', async (_, account, why, certain) => {
    const found = await explain({applications: [], ...account})
    expect(found.why).toContain(why)
    expect((found.error.details as {causes: object[]}).causes).toMatchObject([
      {id: 'no-application', certain},
    ])
  })
})

describe('a service that does not answer', () => {
  const down: Partial<EdgeAnswer> = {by: 'service', status: 530, reason: 'origin-down'}

  it('is called so where an application covers the host, or the API cannot be asked', async () => {
    for (const account of [{}, {failing: {listApplications: denied('no')}}]) {
      const {error} = await explain({...account, answer: down})
      expect(error.message).toBe(`The service behind ${HOST} does not answer (530)`)
    }
  })

  it('is not called so where no application covers the host', async () => {
    const {error, why, next} = await explain({applications: [], answer: down})
    expect(error.message).toBe(`No Access application covers ${HOST}, which answered 530`)
    expect(error.kind).toBe('unreachable')
    expect(why).toContain(`No application of the account covers ${HOST}.`)
    expect(next).toEqual(['zt app list'])
  })
})

describe('an answer that may be Access or the service behind it', () => {
  const unclear: Partial<EdgeAnswer> = {by: 'unknown', status: 403, reason: 'forbidden'}
  const admitting = [policy('CI', 'non_identity', {include: [byToken()]})]

  it.each([
    ['the rules refuse the token', {}, 'access'],
    ['the token is disabled', {tokens: [{...gitlabAdmin, enabled: false}], policies: admitting}, 'access'],
    ['the rules admit it', {policies: admitting}, 'unknown'],
    ['the account has no such token', {tokens: [], policies: admitting}, 'access'],
    ['no application covers the host', {applications: []}, 'unknown'],
    ['the API cannot be asked', {failing: {listApplications: denied('no')}}, 'unknown'],
    [
      'a Bypass rule may let it in',
      {policies: [policy('Office', 'bypass', {include: [{ip: {ip: '10.0.0.0/8'}}]})]},
      'unknown',
    ],
    [
      'the token is disabled, and a Bypass rule may let it in',
      {
        tokens: [{...gitlabAdmin, enabled: false}],
        policies: [policy('Office', 'bypass', {include: [{ip: {ip: '10.0.0.0/8'}}]})],
      },
      'unknown',
    ],
    [
      'the secret is older, and may be in its grace period',
      {tokens: [{...gitlabAdmin, secretVersion: 3}], stored: {secretVersion: 2}, policies: admitting},
      'unknown',
    ],
    [
      'the secret is older than any grace period',
      {tokens: [{...gitlabAdmin, secretVersion: 4}], stored: {secretVersion: 2}, policies: admitting},
      'access',
    ],
  ] as const)('is attributed by the account: %s', async (_, account, by) => {
    const {error} = await explain({...(account as Account), answer: unclear})
    expect((error as RefusedError).answer.by).toBe(by)
    expect(error.message.includes('or the service behind it')).toBe(by === 'unknown')
  })

  it('with strict authentication does not show that Access accepted the credentials', async () => {
    const said = 'Access accepted its credentials'
    for (const policies of [admitting, [staffRule]]) {
      expect((await explain({policies, strict: true, answer: unclear})).why).not.toContain(said)
      expect((await explain({policies, strict: true, answer: {...unclear, by: 'access'}})).why).toContain(
        said,
      )
    }
  })

  it('stays what it is where the service certainly gave it', async () => {
    const {error} = await explain({answer: {by: 'service', status: 404, reason: 'other'}})
    expect((error as RefusedError).answer.by).toBe('service')
  })

  it.each([
    [401, 'unauthenticated'],
    [403, 'forbidden'],
  ] as const)(
    'does not blame Access or the token where the service certainly gave a %i',
    async (status, reason) => {
      const {error, why} = await explain({policies: admitting, answer: {by: 'service', status, reason}})
      expect(error.message).toBe(`The service behind ${HOST} refused the request (${status})`)
      expect(why).toMatch(/^Access let the token in/)
    },
  )
})

describe('where the API does not tell everything', () => {
  const ray = '8f1e2d3c4b5a6978-AMS'
  const RAY = `zt ray ${ray}`
  const answer = {ray}
  const apiError = (more: Partial<UserErrorOptions>): ApiError =>
    new ApiError({kind: 'api', code: 'API_REFUSED', message: 'Cannot list applications', ...more})

  it('no API token: it says so and gives the usual reasons', async () => {
    const message = 'Profile sandbox has no API token'
    const notLoggedIn = new UserError({kind: 'auth', code: 'NOT_LOGGED_IN', message, next: ['zt login']})
    const found = await explain({failing: {verifyToken: notLoggedIn}, answer})
    expect(found.why).toContain(message)
    expect(found.why).toContain('Usually no Service Auth rule')
    expect(found.next).toEqual(['zt login', RAY])
    expect(found.error.details).not.toHaveProperty('application')
  })

  it.each([
    ['no permission', apiError({kind: 'permission', next: ['zt whoami', 'Add the permission']})],
    ['no connection', apiError({kind: 'unreachable', next: ['Check the network']})],
    ['too many requests', apiError({kind: 'unreachable', next: ['Try again in 30 seconds']})],
  ])('%s: the next steps are those of the API error, and no others', async (_, error) => {
    const found = await explain({failing: {listApplications: error}, answer})
    expect(found.why).toContain('(Cannot list applications)')
    expect(found.next).toEqual([...error.next, RAY])
  })

  it('an API error without next steps: those of the refusal stay', async () => {
    const found = await explain({failing: {listApplications: apiError({})}, answer})
    expect(found.next).toEqual([`zt app show ${HOST}`, RAY])
  })

  it('without an ID of the request no command looks for it', async () => {
    const found = await explain({failing: {listApplications: denied('no')}, answer: {ray: undefined}})
    expect(found.next).toEqual([`zt app show ${HOST}`])
  })

  it('groups are asked for only where a rule names one', async () => {
    const found = await explain({failing: {listGroups: denied('The API token may not list groups')}})
    expect(found.next).toEqual([ADD_RULE])
    expect(found.why).not.toContain('could not read')
  })

  it('groups that may not be read are said to be so, and the rest is explained', async () => {
    const found = await explain({
      policies: [policy('Machines', 'allow', {include: [byGroup('ci')]})],
      failing: {listGroups: denied('The API token may not list groups')},
    })
    expect(found.why).toContain('zt could not read the Access groups')
    expect(found.next).toEqual([ADD_RULE])
  })

  it('groups that cannot be read for another reason leave nothing explained', async () => {
    const policies = [policy('Machines', 'allow', {include: [byGroup('ci')]})]
    const listGroups = new ApiError({kind: 'api', code: 'API_ERROR', message: 'Groups are out', status: 500})
    const found = await explain({policies, failing: {listGroups}})
    expect(found.why).toContain('zt could not ask the API for the exact reason (Groups are out).')
  })

  it.each(['listApplications', 'listGroups'] as const)(
    'a bug is not taken for an answer: %s',
    async (name) => {
      const policies = [policy('Machines', 'allow', {include: [byGroup('ci')]})]
      await expect(explain({policies, failing: {[name]: new TypeError('ours')}})).rejects.toThrow('ours')
    },
  )
})
