import {afterEach, beforeEach, expect, it} from 'vitest'
import type {AccessContext} from '../../../src/lib/access/account/context.js'
import {refreshToken, renameToken, setTokenEnabled} from '../../../src/lib/access/tokens/changes.js'
import {createServiceToken} from '../../../src/lib/access/tokens/create.js'
import {revokeToken} from '../../../src/lib/access/tokens/revoke.js'
import {finishRotation, rotateServiceToken, undoRotation} from '../../../src/lib/access/tokens/rotate.js'
import {World} from '../../support/access-world.js'

let world: World
/** What Ctrl-C would say while each request that changes something is answered. */
let left: [request: string, why: string | undefined, next: readonly string[]][]
let id: string

beforeEach(async () => {
  left = []
  world = await World.open(undefined, ({method}) => {
    if (method === 'GET') return
    const said = world.unfinished.said()
    left.push([method, said?.why, said?.next ?? []])
  })
  id = (await createServiceToken(world.ctx, {name: 'ci'})).token.id
  await rotateServiceToken(world.ctx, {token: 'ci', grace: '24h'})
  left = []
})
afterEach(() => world.end())

const UNKNOWN = 'The change may or may not have been made.'
const CHANGES: [string, (ctx: AccessContext) => Promise<unknown>, {why: RegExp; next: () => string}][] = [
  [
    'create',
    (ctx) => createServiceToken(ctx, {name: 'new'}),
    {why: /creation of "new"/, next: () => 'zt token recover'},
  ],
  [
    'rotate --finish',
    (ctx) => finishRotation(ctx, {token: 'ci'}),
    {why: /may or may not/, next: () => 'zt token rotate ci --finish'},
  ],
  [
    'rotate --undo',
    (ctx) => undoRotation(ctx, {token: 'ci'}),
    {why: /may or may not/, next: () => 'zt token rotate ci --undo'},
  ],
  [
    'refresh',
    (ctx) => refreshToken(ctx, {token: 'ci'}),
    {why: new RegExp(UNKNOWN), next: () => 'zt token show ci'},
  ],
  [
    'rename',
    (ctx) => renameToken(ctx, {token: 'ci', name: 'cd'}),
    {why: new RegExp(UNKNOWN), next: () => 'zt token show ci'},
  ],
  [
    'disable',
    (ctx) => setTokenEnabled(ctx, {token: 'ci', enabled: false}),
    {why: new RegExp(UNKNOWN), next: () => 'zt token show ci'},
  ],
  ['revoke', (ctx) => revokeToken(ctx, {token: 'ci'}), {why: /"ci"/, next: () => `zt token revoke ${id}`}],
]

it.each(CHANGES)(
  'a signal during zt token %s is not silent, at any request that changes something',
  async (_, change, {why, next}) => {
    await change(world.ctx)
    expect(left.length).toBeGreaterThan(0)
    for (const [request, said, steps] of left) {
      expect(said, request).toMatch(why)
      expect(steps, request).toContain(next())
    }
    // Nothing is under way any more.
    expect(world.unfinished.some).toBe(false)
  },
)

it('a signal while the secret of a deleted token is erased says so', async () => {
  const erased: (string | undefined)[] = []
  const storeOf: AccessContext['storeOf'] = (kind) => {
    erased.push(world.unfinished.said()?.why)
    return world.ctx.storeOf(kind)
  }
  await revokeToken({...world.ctx, storeOf}, {token: 'ci'})
  expect(erased.at(-1)).toContain('is deleted, and its secret and host bindings may still be here')
})
