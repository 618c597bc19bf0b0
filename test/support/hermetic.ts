import nock from 'nock'
import {afterEach, beforeAll} from 'vitest'

/**
 * A unit or integration test sees nothing of the person's own machine: no real account, no real keychain,
 * no network but loopback.
 */
for (const name of Object.keys(process.env)) {
  if (
    /^(ZT_|CLOUDFLARE_|CF_ACCESS_|TUNNEL_|XDG_|DBUS_SESSION|NODE_EXTRA_CA_CERTS|HTTPS?_PROXY|NO_PROXY|https?_proxy|no_proxy|GITHUB_ACTIONS|FORCE_COLOR|DEBUG$)/.test(
      name,
    )
  ) {
    delete process.env[name]
  }
}
process.env['NO_COLOR'] = '1'

beforeAll(() => {
  nock.disableNetConnect()
  nock.enableNetConnect(/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/)
})

afterEach(() => {
  nock.cleanAll()
})
