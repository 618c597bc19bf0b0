import path from 'node:path'
import {pathToFileURL} from 'node:url'
import {expect, it} from 'vitest'
import {hashSecret} from '../../src/lib/sandbox/state.js'
import {inNodeOptions} from '../support/node-options.js'
import {describeOnWindows, said} from './world.js'

const PRELOAD = path.resolve(import.meta.dirname, '../faults/kill/kill-at.mjs')

/** By what the process does last: an effect that is durable, at Cloudflare or on the disk. */
const MOMENTS = [
  ['create', 'the intent is written', String.raw`rename .*\\journal\\[^\\]*\.json`],
  ['create', 'the spool is linked', String.raw`link .*\\journal\\.*\.spool`],
  ['create', 'the token is created', 'request POST'],
  ['create', 'the secret is in the vault', String.raw`rename .*\\vault\\service-token-`],
  ['create', 'the index names it', String.raw`rename .*\\index\\`],
  ['create', 'the token is switched on', 'request PUT'],
  ['rotate', 'the intent is written', String.raw`rename .*\\journal\\[^\\]*\.json`],
  ['rotate', 'the secret is rotated', 'request POST'],
  ['rotate', 'the new secret is in the vault', String.raw`rename .*\\vault\\service-token-`],
] as const

describeOnWindows('killed in the middle on Windows', (world) => {
  it.each(MOMENTS)(
    'token %s, when %s: token recover settles it, and no secret is lost',
    async (what, when, label) => {
      const {zt, api} = world
      const name = `${what} ${when}`
      const create = ['token', 'create', name]
      if (what === 'rotate') await zt.json(create)
      const killed = await zt.run(what === 'create' ? create : ['token', 'rotate', name, '--grace', '0'], {
        env: {
          NODE_OPTIONS: `--import ${inNodeOptions(pathToFileURL(PRELOAD).href.replace('file:///', 'file:///Z:/'))}`,
          ZT_CODE_CACHE: 'off',
          KILL_HOME: `${zt.profile}\\AppData`,
          KILL_LOG: `${zt.profile}\\effects`,
          KILL_LABEL: label,
          KILL_PHASE: 'after',
        },
      })
      expect(killed, said(killed)).toMatchObject({code: 1, stdout: ''})
      const recovered = await zt.run(['token', 'recover'])
      expect(recovered.code, said(recovered)).toBe(0)
      const token = api.state.data.serviceTokens.find(({object}) => object['name'] === name)
      const held = await zt.run(['exec', name, '--', 'node', '-p', 'process.env.CF_ACCESS_CLIENT_SECRET'])
      // Either there is no token, or a secret of it is stored that works as long as the token does: a rotation that is undone
      // keeps the previous one.
      const {secretHash, previous, object} = token ?? {}
      const lasting = [
        secretHash,
        ...(previous?.until === object?.['expires_at'] ? [previous?.secretHash] : []),
      ]
      if (token) expect(lasting, said(held)).toContain(hashSecret(held.stdout.trim()))
      else expect(held.code, said(held)).toBe(5)
    },
  )
})
