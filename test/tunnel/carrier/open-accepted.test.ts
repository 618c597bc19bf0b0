import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {beforeAll, describe, expect, it} from 'vitest'
import {createAccessApi} from '../../../src/lib/api/client.js'
import type {AccessApi} from '../../../src/lib/api/types.js'
import {Secret} from '../../../src/lib/core/secret.js'
import {startSandbox} from '../../../src/lib/sandbox/server.js'
import type {StoredCredentials} from '../../../src/lib/secrets/types.js'
import {openAccepted} from '../../../src/lib/tunnel/carrier/open-accepted.js'
import {RefusedError} from '../../../src/lib/tunnel/failure/refusal.js'

const host = 'gitlab-ssh.widgetcorp.tech'
const later = new Date(Date.now() + 3600_000).toISOString()

let directory: string
let sandbox: Awaited<ReturnType<typeof startSandbox>>
let api: AccessApi
let tokenId: string
let clientId: string
let first: Secret
let second: Secret

beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-accepted-'))
  sandbox = await startSandbox({directory, origins: {}})
  const {apiUrl, apiToken, accountId} = sandbox.info
  api = createAccessApi({apiUrl, accountId, apiToken: new Secret(apiToken), userAgent: 'zt-test'})
  const created = await api.createServiceToken({name: 'ci'})
  ;({id: tokenId, clientId} = created.token)
  first = created.clientSecret
  const policy = await api.createPolicy({
    name: 'ci',
    decision: 'non_identity',
    include: [{service_token: {token_id: tokenId}}],
  })
  const [app] = await api.listApplications()
  await api.replaceApplication(app?.id ?? '', {...app?.raw, policies: [{id: policy.id, precedence: 1}]})
  second = (await api.rotateServiceToken(tokenId, later)).clientSecret
  return async () => {
    await sandbox.close()
    await fs.rm(directory, {recursive: true, force: true})
  }
})

const wrong = new Secret('cfast_wrong')

async function open(credentials: Omit<StoredCredentials, 'clientId'>): Promise<string> {
  const {edge, caFile} = sandbox.info
  const accepted = await openAccepted({
    edge: {host, connectTo: edge, caFile},
    credentials: {clientId, ...credentials},
  })
  accepted.tunnel.socket.destroy()
  const which = accepted.credentials.clientSecret.equals(credentials.clientSecret) ? 'present' : 'before'
  return accepted.onlyPrevious === undefined ? which : `${which} until ${accepted.onlyPrevious}`
}

describe('during a rotation', () => {
  it('the present secret is used, and the previous secret is not even sent', async () => {
    expect(await open({clientSecret: second, previous: {clientSecret: wrong, until: later}})).toBe('present')
  })

  it('the previous secret is used where only that is accepted yet, with a note until when', async () => {
    expect(await open({clientSecret: wrong, previous: {clientSecret: first, until: later}})).toBe(
      `before until ${later}`,
    )
  })

  it.each([
    ['there is none before', undefined],
    ['the one before is wrong, too', {clientSecret: wrong, until: later}],
  ])('a refusal stays one where %s', async (_, previous) => {
    await expect(open({clientSecret: wrong, previous})).rejects.toBeInstanceOf(RefusedError)
  })

  it('the previous secret is not sent after its end', async () => {
    const over = new Date(Date.now() - 1000).toISOString()
    await expect(
      open({clientSecret: wrong, previous: {clientSecret: first, until: over}}),
    ).rejects.toBeInstanceOf(RefusedError)
  })

  it('no second try is made where the secret is not the reason', async () => {
    const {caFile} = sandbox.info
    await expect(
      openAccepted({
        edge: {host, connectTo: '127.0.0.1:1', caFile},
        credentials: {clientId, clientSecret: wrong, previous: {clientSecret: first, until: later}},
      }),
    ).rejects.toMatchObject({code: 'EDGE_UNREACHABLE'})
  })
})
