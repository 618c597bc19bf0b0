import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {withEditLock} from '../../../src/lib/access/edit/lock.js'
import {setTokenEnabled, renameToken} from '../../../src/lib/access/tokens/changes.js'
import {createServiceToken} from '../../../src/lib/access/tokens/create.js'
import {recoverUnfinished} from '../../../src/lib/access/tokens/recover.js'
import {rotateServiceToken} from '../../../src/lib/access/tokens/rotate.js'
import {Locks} from '../../../src/lib/system/lock.js'
import {World} from '../../support/access-world.js'
import {failure} from '../../support/edit-world.js'

let world: World
let warnings: string[]

/** On a disk that has become read-only, where a lock cannot let go of its file. */
class StuckLocks extends Locks {
  override async acquire(name: string, patienceMs = 0): ReturnType<Locks['acquire']> {
    const lock = await super.acquire(name, patienceMs)
    if (!lock) return undefined
    return {
      release: async () => {
        await lock.release()
        throw Object.assign(new Error('EROFS: read-only file system'), {code: 'EROFS'})
      },
    }
  }
}

beforeEach(async () => {
  world = await World.open({service_tokens: [{id: 'token-ci', name: 'ci', client_id: 'ci.access'}]})
  warnings = []
  world.ctx.warn = (text) => warnings.push(text)
  world.ctx.locks = new StuckLocks(`${world.folder}/locks`)
})
afterEach(() => world.end())

describe('a clean-up that fails is a warning beside the result', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['create', () => createServiceToken(world.ctx, {name: 'new'})],
    ['rotate', () => rotateServiceToken(world.ctx, {token: 'ci', grace: '1h'})],
    ['disable', () => setTokenEnabled(world.ctx, {token: 'ci', enabled: false})],
    ['edit', () => withEditLock(world.ctx, world.state.accountId, () => Promise.resolve())],
  ])('%s', async (_, run) => {
    await run()
    expect([...new Set(warnings)]).toEqual(["A lock's file could not be removed (EROFS)"])
  })

  it('and takes no place of an error', async () => {
    const error = await failure(renameToken(world.ctx, {token: 'none', name: 'x'}))
    expect(error.code).toBe('TOKEN_NOT_FOUND')
    await expect(recoverUnfinished(world.ctx)).resolves.toMatchObject({recovered: []})
  })
})
