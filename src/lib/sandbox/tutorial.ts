import type {SandboxSeed} from './types.js'

const ACCOUNT = '2f5a7c10b3d94e6f8a1c0d2e3f405162'
const POLICY = 'b6f1c3d2-5a4e-4f7b-9c8d-0e1f2a3b4c5d'

/** The start of Cloudflare's tutorial: a GitLab behind Access, for the company's employees only. */
export const TUTORIAL: SandboxSeed = {
  accounts: [{id: ACCOUNT, name: 'Widgetcorp', type: 'standard'}],
  zones: [
    {
      id: '9a7806061c88ada191ed06f989cc3dac',
      name: 'widgetcorp.tech',
      status: 'active',
      account: {id: ACCOUNT},
    },
  ],
  policies: [
    {
      id: POLICY,
      name: 'Widgetcorp staff',
      decision: 'allow',
      include: [{email_domain: {domain: 'widgetcorp.tech'}}],
      exclude: [],
      require: [],
    },
  ],
  apps: [
    {
      id: 'f1e2d3c4-b5a6-4978-8a9b-acbdcedf0011',
      name: 'GitLab',
      type: 'self_hosted',
      domain: 'gitlab-ssh.widgetcorp.tech',
      session_duration: '24h',
      policies: [POLICY],
    },
  ],
  groups: [],
  service_tokens: [],
}
