import type {UnknownFact} from '../../policy/types.js'

/** What would decide. */
const FACTS: Record<UnknownFact['fact'], string> = {
  ip: "the client's address",
  country: "the client's country",
  certificate: 'whether the client presents a certificate',
  posture: 'the posture of the device',
  list: 'what is in a list',
  email: 'the email address',
  groups: "the person's groups",
  saml: 'SAML attributes of the person',
  oidc: 'OIDC claims of the person',
  'login-method': 'the login method',
  'auth-methods': 'how the person authenticates',
  'auth-contexts': 'the authentication context',
  accounts: 'the Cloudflare accounts of the person',
  evaluation: 'an external evaluation',
  risk: "the person's risk score",
  approval: 'an approval',
  'access-group': 'an Access group that zt could not read',
  'group-cycle': 'an Access group that includes itself',
  selector: 'a selector that zt does not know',
  action: 'an action that zt does not know',
  application: 'whether Access protects the host',
  strict: 'whether strict authentication is on',
  'without-allow': 'how Access answers where there is no login to offer',
  credentials: 'whether Access accepts the credentials',
  session: 'whether the client has a session',
  browser: 'whether the client is a browser',
}

/** A fact that is not known, in words. */
export function factInWords({fact, of}: UnknownFact): string {
  return `${FACTS[fact]}${of === undefined ? '' : `: ${of}`}`
}
