import type {SandboxSeed} from '../../src/lib/sandbox/types.js'

const ACCOUNT = '2f5a7c10b3d94e6f8a1c0d2e3f405162'
const ZONE = '9a7806061c88ada191ed06f989cc3dac'
/** Of the service token `ci`. */
export const CI_SECRET = 'cfast_Hj4gLf6aEu5pDq7nWk3vYt9sXb2mZc8rTq1oVd0eRi5wKs7b'

const everyone = [{everyone: {}}]
const own = (name: string, precedence: number) => ({
  ...{id: `own-${name.toLowerCase()}`, name, decision: 'allow', include: everyone, precedence},
})

/**
 * The account at the beginning of each test of a command: service tokens `ci`, `cd` and the disabled `off`; the Access
 * groups `robots` (ci) and `offices`; four shared policies; applications with shared policies (GitLab, Build), with
 * policies of its own (Legacy), and without any (Wiki); and one of each that belongs to the zone.
 */
export const COMMAND_SEED: SandboxSeed = {
  accounts: [{id: ACCOUNT, name: 'Widgetcorp', type: 'standard'}],
  zones: [{id: ZONE, name: 'widgetcorp.tech', status: 'active', account: {id: ACCOUNT}}],
  service_tokens: [
    {id: 'token-ci', name: 'ci', client_id: 'ci.access', client_secret: CI_SECRET},
    {id: 'token-cd', name: 'cd', client_id: 'cd.access'},
    {id: 'token-off', name: 'off', client_id: 'off.access', enabled: false},
    {id: 'token-zone', name: 'of-the-zone', client_id: 'zone.access', zone_id: ZONE},
  ],
  groups: [
    {id: 'group-robots', name: 'robots', include: [{service_token: {token_id: 'token-ci'}}]},
    {id: 'group-offices', name: 'offices', include: [{ip: {ip: '203.0.113.0/24'}}]},
    {id: 'group-zone', name: 'zone robots', include: everyone, zone_id: ZONE},
  ],
  policies: [
    {
      id: 'policy-staff',
      name: 'Staff',
      decision: 'allow',
      include: [{email_domain: {domain: 'widgetcorp.tech'}}],
    },
    {id: 'policy-robots', name: 'Robots', decision: 'non_identity', include: [{group: {id: 'group-robots'}}]},
    {
      id: 'policy-cd',
      name: 'CD',
      decision: 'non_identity',
      include: [{service_token: {token_id: 'token-cd'}}],
    },
    {id: 'policy-spare', name: 'Spare', decision: 'allow', include: everyone},
  ],
  apps: [
    {
      ...{id: 'app-gitlab', name: 'GitLab', type: 'self_hosted', domain: 'gitlab.widgetcorp.tech'},
      ...{session_duration: '24h', policies: [{id: 'policy-staff', precedence: 1}]},
    },
    {
      ...{id: 'app-build', name: 'Build', type: 'self_hosted', domain: 'build.widgetcorp.tech'},
      policies: [
        {id: 'policy-robots', precedence: 1},
        {id: 'policy-cd', precedence: 2},
      ],
    },
    {
      ...{id: 'app-legacy', name: 'Legacy', type: 'self_hosted', domain: 'legacy.widgetcorp.tech'},
      policies: [own('First', 1), own('Second', 2)],
    },
    {id: 'app-wiki', name: 'Wiki', type: 'self_hosted', domain: 'wiki.widgetcorp.tech', policies: []},
    {
      ...{id: 'app-zone', name: 'Of the zone', type: 'self_hosted', domain: 'of.widgetcorp.tech'},
      ...{zone_id: ZONE, policies: [own('Zone', 1)]},
    },
  ],
}
