import path from 'node:path'
import {loadSettings} from '../../../../src/lib/config/settings.js'
import type {Settings} from '../../../../src/lib/config/types.js'
import {IndexFiles} from '../../../../src/lib/secrets/index-files.js'

const BOUND_ID = '0a1b2c3d-0a1b-4c2d-8e3f-0a1b2c3d4e5f'

/** The settings of a home in which one token is bound to these hosts. */
export async function boundSettings(
  home: string,
  hosts: readonly string[],
): Promise<{settings: Settings; env: NodeJS.ProcessEnv}> {
  const env: NodeJS.ProcessEnv = {PATH: process.env['PATH']}
  for (const kind of ['CONFIG', 'DATA', 'STATE', 'CACHE']) env[`XDG_${kind}_HOME`] = path.join(home, kind)
  const settings = await loadSettings({env, cwd: home, flags: {}})
  const index = new IndexFiles(settings.paths.data)
  const entry = {
    tokenId: BOUND_ID,
    clientId: `${BOUND_ID}.access`,
    name: 'ci',
    profile: 'default',
    accountId: 'a',
  }
  await index.put({...entry, store: 'vault', storedAt: '2026-01-01T00:00:00Z', expiresAt: undefined})
  for (const host of hosts)
    await index.bind({profile: 'default', host, tokenId: BOUND_ID, boundAt: '2026-01-01T00:00:00Z'})
  return {settings, env}
}
