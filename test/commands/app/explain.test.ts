import {describe, expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('app explain')

interface Said {
  verdict: string
  possible: {reason: string; status: number | null}[]
  rule: {name: string} | null
  trail: {name: string; outcome: string; precedence: number}[]
  undecided: {fact: string}[]
  traps: object[]
  warnings: string[]
  causes: {id: string; next: string[]}[]
}

async function explain(line: string): Promise<Said> {
  return (await scene.zt.json(`app explain ${line}`)) as unknown as Said
}

describe('what is explained', () => {
  it.each([
    ['Build', 'app-build', null],
    ['app-build', 'app-build', null],
    ['build.widgetcorp.tech', 'app-build', {host: 'build.widgetcorp.tech', path: '/'}],
    ['https://BUILD.widgetcorp.tech:443/x/../y?z=1', 'app-build', {host: 'build.widgetcorp.tech', path: '/y'}],
    ['ssh://git@build.widgetcorp.tech', 'app-build', {host: 'build.widgetcorp.tech', path: '/'}],
    ['of.widgetcorp.tech', 'app-zone', {host: 'of.widgetcorp.tech', path: '/'}],
    ['GitLab --zone widgetcorp.tech', undefined, undefined],
  ])('%s', async (wanted, id, address) => {
    const line = `app explain ${wanted} --no-credentials`
    if (id === undefined) await scene.zt.fails(line, 'not-found', 'APPLICATION_NOT_FOUND')
    else expect(await scene.zt.json(line)).toMatchObject({application: {id}, address})
  }) // prettier-ignore

  it('is not a bookmark of the address, and not an address that only its name looks like', async () => {
    const {zt} = scene
    const domains = (domain: string) => ({domain, self_hosted_domains: [domain], destinations: [{type: 'public', uri: domain}]}) // prettier-ignore
    Object.assign(zt.app('Wiki'), {type: 'bookmark', ...domains('build.widgetcorp.tech/docs')})
    const asked = await zt.json('app explain build.widgetcorp.tech/docs --token ci')
    expect(asked).toMatchObject({application: {id: 'app-build'}, verdict: 'allow'})
    Object.assign(zt.app('Wiki'), {type: 'self_hosted', name: 'build.widgetcorp.tech', ...domains('w.widgetcorp.tech')}) // prettier-ignore
    const named = await zt.json('app explain build.widgetcorp.tech --token ci')
    expect(named).toMatchObject({address: null, verdict: 'deny'})
  })

  it('says where it is not documented that Service Auth rules count', async () => {
    Object.assign(scene.zt.app('Build'), {type: 'ssh'})
    const {warnings} = await explain('Build --token ci')
    expect(warnings).toEqual([expect.stringContaining('may not admit machines')])
  })

  it('says what refuses a machine where that is no answer of a web server', async () => {
    const {zt} = scene
    Object.assign(zt.app('Legacy'), {type: 'infrastructure'})
    const {possible} = await explain('Legacy --no-credentials')
    expect(possible).toEqual([{verdict: 'login', reason: 'login-page', status: null}])
    expect((await zt.run('app explain Legacy --no-credentials')).stdout).toMatch(
      /^verdict +login: a login is needed \(no connection: only the Cloudflare One Client reaches its targets\)$/m,
    )
  })

  it('is the application that Access asks, and others that cover the host are named', async () => {
    const {zt} = scene
    Object.assign(zt.app('Wiki'), {domain: '*.widgetcorp.tech', self_hosted_domains: ['*.widgetcorp.tech'], destinations: [{type: 'public', uri: '*.widgetcorp.tech'}]}) // prettier-ignore
    expect(await zt.json('app explain new.widgetcorp.tech --token ci')).toMatchObject({
      application: {name: 'Wiki'},
    })
    expect(await zt.json('app explain Wiki --token ci')).toMatchObject({verdict: 'deny', address: null})
    Object.assign(zt.app('Build'), {domain: 'build.widgetcorp.tech/api', self_hosted_domains: ['build.widgetcorp.tech/api'], destinations: [{type: 'public', uri: 'build.widgetcorp.tech/api'}]}) // prettier-ignore
    const {warnings} = await explain('build.widgetcorp.tech/api/v1 --token ci')
    expect(warnings).toEqual([
      expect.stringMatching(/"Wiki".* covers it too; Access asks only the most specific/),
    ])
  })

  it('is no bookmark, which protects nothing', async () => {
    const {zt} = scene
    zt.app('Wiki')['type'] = 'bookmark'
    await zt.fails('app explain Wiki --no-credentials', 'usage', 'NOT_PROTECTED')
  })
})

describe('the verdict', () => {
  it.each([
    ['Build --token ci', 'allow', 'Robots', ['Robots matched', 'CD not-reached'], 'service-auth'],
    ['Build --token cd', 'allow', 'CD', ['Robots no-include', 'CD matched'], 'service-auth'],
    ['Build --token off', 'deny', null, ['Robots no-include', 'CD no-include'], 'no-allow'],
    ['Build --no-credentials', 'deny', null, ['Robots no-include', 'CD no-include'], 'no-allow'],
    ['GitLab --token ci', 'login', 'Staff', ['Staff needs-identity'], 'login-page'],
    ['GitLab --email ada@widgetcorp.tech', 'allow', 'Staff', ['Staff matched'], 'person'],
    ['GitLab --email eve@example.com', 'deny', null, ['Staff no-include'], 'denied'],
  ])('of %s is %s', async (line, verdict, rule, trail, reason) => {
    const said = await explain(line)
    expect(said).toMatchObject({verdict, rule: rule === null ? null : {name: rule}, undecided: []})
    expect(said.trail.map(({name, outcome}) => `${name} ${outcome}`)).toEqual(trail)
    expect(said.possible.map((one) => one.reason)).toEqual([reason])
  })

  it('is unknown where the rules depend on what is not given, and says what would decide', async () => {
    const {zt} = scene
    zt.policy('CD')['require'] = [{ip: {ip: '203.0.113.0/24'}}]
    zt.policy('Staff')['require'] = [{okta: {name: 'admins', identity_provider_id: 'idp'}}]
    const unknown = await explain('Build --token cd')
    expect(unknown).toMatchObject({
      verdict: 'unknown',
      undecided: [{fact: 'ip'}],
      causes: [{id: 'rule-condition'}],
    })
    // Not itself again.
    expect(unknown.causes[0]?.next[0]).toBe('zt app show Build')
    expect(await explain('Build --token cd --ip 203.0.113.9')).toMatchObject({verdict: 'allow', causes: []})
    expect(await explain('Build --token cd --ip 192.0.2.9')).toMatchObject({verdict: 'deny', causes: [{id: 'rule-condition', certain: true}]}) // prettier-ignore
    const person = 'GitLab --email ada@widgetcorp.tech'
    expect(await explain(person)).toMatchObject({verdict: 'unknown', undecided: [{fact: 'groups'}]})
    expect(await explain(`${person} --group admins --group all`)).toMatchObject({verdict: 'allow'})
    expect(await explain(`${person} --group others`)).toMatchObject({verdict: 'deny'})
    zt.policy('CD')['require'] = [{geo: {country_code: 'DE'}}]
    expect(await explain('Build --token cd --country de')).toMatchObject({
      verdict: 'allow',
      from: {country: 'DE'},
    })
  })

  it('follows the settings: strict authentication, 401, Managed OAuth, a public path', async () => {
    const {zt} = scene
    const answered = async (line: string) => (await explain(line)).possible.map(({reason, status}) => [reason, status])
    zt.app('Build')['service_auth_401_redirect'] = true
    expect(await answered('Build --no-credentials')).toEqual([['service-auth-401', 401]])
    zt.app('GitLab')['oauth_configuration'] = {enabled: true}
    expect(await answered('GitLab --token ci')).toEqual([['managed-oauth', 401]])
    zt.state.data.organization['strict_service_token_auth'] = true
    expect(await answered('GitLab --token ci')).toEqual([['not-authorised', 403]])
    expect(await explain('GitLab --token off')).toMatchObject({possible: [{reason: 'credentials-refused', status: 401}], trail: []}) // prettier-ignore
    expect((await zt.run('app explain GitLab --token off')).stdout).toContain('Access does not get to the rules.')
  }) // prettier-ignore

  it('comes with the command that admits the service token and nothing else', async () => {
    const {zt} = scene
    const {causes} = await explain('GitLab --token cd')
    expect(causes).toMatchObject([
      {id: 'rule-missing', next: ['zt app add-rule GitLab --service-auth --token cd']},
    ])
    const {stdout} = await zt.run('app explain GitLab --token cd')
    expect(stdout).toContain('\nnext:  zt app add-rule GitLab --service-auth --token cd\n')
    await zt.run('app add-rule GitLab --service-auth --token cd --yes')
    expect(await explain('GitLab --token cd')).toMatchObject({verdict: 'allow', causes: []})
    expect(await explain('GitLab --token ci')).toMatchObject({verdict: 'login'})
  })
})

it('fits into 80 columns, and every colour has a word', async () => {
  const {zt} = scene
  zt.policy('CD')['require'] = [{ip: {ip: '203.0.113.0/24'}}]
  const {stdout} = await zt.run('app explain Build --token cd', {env: {COLUMNS: '80'}})
  expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
  expect(stdout).toContain('unknown: allow, a Service Auth rule admits it; or deny, no rule')
  expect(stdout).toMatch(/^would decide +the client's address \(--ip\)$/m)
  expect(stdout).toMatch(/^# +RULE +ACTION +OUTCOME +WHY$/m)
  expect(stdout).toMatch(/^2 +CD +Service Auth +unknown /m)
  expect(stdout).toMatch(/^next: {2}Connect from an address in 203\.0\.113\.0\/24$/m)
})

describe('the client', () => {
  it('is the service token that the host is bound to', async () => {
    const {zt} = scene
    await zt.json('token create robot')
    await zt.json('app add-rule GitLab --service-auth --token robot --yes')
    for (const wanted of ['gitlab.widgetcorp.tech', 'GitLab'])
      expect(await explain(wanted)).toMatchObject({client: {kind: 'token', name: 'robot', status: 'active'}})
  })

  it('is asked for on a terminal, and otherwise an error', async () => {
    const {zt} = scene
    const {asked, stdout} = await zt.run('app explain', {answers: ['Build  build.widgetcorp.tech', 'cd']})
    expect(asked).toHaveLength(2)
    expect(stdout).toMatch(/^client +service token cd/m)
    const {message, next} = await zt.fails('app explain Build', 'usage', 'INPUT_REQUIRED')
    expect(message).toBe('One of --token, --email, --no-credentials and --all is missing')
    expect(next).toEqual(['zt app explain Build --token NAME'])
    await zt.failsWithoutAsking('app explain')
  })

  it.each([
    ['--token ci --no-credentials', 'BAD_COMMAND_LINE'],
    ['--email ada@widgetcorp.tech --all', 'BAD_COMMAND_LINE'],
    ['--email ada', 'BAD_EMAIL'],
    ['--no-credentials --ip 203.0.113.0/24', 'BAD_ADDRESS'],
    ['--no-credentials --ip example.com', 'BAD_ADDRESS'],
    ['--no-credentials --country Germany', 'BAD_COUNTRY'],
  ])('%s is a wrong command line', async (flags, code) => {
    await scene.zt.fails(`app explain Build ${flags}`, 'usage', code)
  })

  it('is a service token of the account', async () => {
    await scene.zt.fails('app explain Build --token nothing', 'not-found', 'TOKEN_NOT_FOUND')
  })
})

describe('who gets in', () => {
  it('is every service token, everyone, and the rules for people', async () => {
    const {zt} = scene
    zt.policy('CD')['require'] = [{ip: {ip: '203.0.113.0/24'}}]
    const {admission, client} = (await zt.json('app explain Build --all')) as {
      admission: object
      client?: object
    }
    expect(client).toBeUndefined()
    expect(admission).toMatchObject({
      tokens: [
        {name: 'ci', admitted: 'yes', rule: {name: 'Robots'}},
        {name: 'cd', admitted: 'conditional', rule: {name: 'CD'}},
        {name: 'off', admitted: 'no', rule: null, why: 'It is disabled.'},
      ],
      everyone: {admitted: 'no'},
      people: [],
    })
    expect(await zt.json('app explain Build --all --ip 203.0.113.7')).toMatchObject({admission: {tokens: [{name: 'cd', admitted: 'yes'}, {name: 'ci'}, {}]}}) // prettier-ignore
    const {stdout} = await zt.run('app explain GitLab --all')
    expect(stdout).toMatch(/^everyone +no: no rule admits a client without credentials$/m)
    expect(stdout).toMatch(/^1 +Staff +Allow +emails of widgetcorp\.tech$/m)
  })

  it('is everyone where a Bypass rule says so', async () => {
    const {zt} = scene
    zt.policy('Spare')['decision'] = 'bypass'
    zt.app('Wiki')['policies'] = [{id: 'policy-spare', precedence: 1}]
    expect(await zt.json('app explain Wiki --all')).toMatchObject({
      admission: {everyone: {admitted: 'yes', rule: {name: 'Spare'}}, tokens: [{admitted: 'yes'}, {}, {name: 'off', admitted: 'yes'}]},
    }) // prettier-ignore
  })
})

describe('a permission that is missing', () => {
  it('makes the answer less certain, and is a warning', async () => {
    const {zt} = scene
    zt.state.data.apiTokens[0]!.permission_groups = ['Access: Apps and Policies Read']
    const said = await explain('build.widgetcorp.tech --no-credentials')
    expect(said.warnings).toEqual([
      'zt could not read the Access groups, so it did not look for traps: the API token lacks the permission',
      "zt could not read the organisation's settings, such as strict authentication: the API token may lack the permission",
      'zt could not read the service tokens: the API token lacks the permission',
    ])
    expect(said.traps).toEqual([])
    await zt.fails('app explain Build --token ci', 'permission', 'PERMISSION_MISSING')
  })

  it('does not say that there is no application where one of a zone may be meant', async () => {
    const {zt} = scene
    zt.api.spoil({method: 'GET', path: '/zones', action: {do: 'refuse', status: 403}})
    await zt.fails('app explain of.widgetcorp.tech --no-credentials', 'permission', 'ZONES_NOT_LISTED')
  })
})

it('shows the traps of the application, and what removes each', async () => {
  const {zt} = scene
  const {stdout} = await zt.run('app explain Legacy --no-credentials')
  expect(stdout).toContain('trap rule-after-everyone: Access never gets to the rule "Second"')
  expect(stdout).toContain(
    '  To remove the rule, which opens and closes nothing:\n    zt app remove-rule Legacy Second\n',
  )
  const {traps} = await zt.json(['app', 'explain', 'Of the zone', '--zone', 'widgetcorp.tech', '--all'])
  expect(traps).toEqual([])
})
