import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {BuiltZt} from '../support/built-zt.js'

let zt: BuiltZt

beforeAll(async () => {
  zt = await BuiltZt.make()
})
afterAll(() => zt.end())

/** As `| head` does that has seen enough, before anything was written. */
const unread = {onStart: (child: {stdout: {destroy(): void} | null}) => child.stdout?.destroy()}

describe('when whoever read the output has gone', () => {
  it.each([
    [['help']],
    [['help', 'exit-codes']],
    [['help', 'exit-codes', '--json']],
    [['profile', 'list', '--json']],
  ])('zt %j ends as a program does that SIGPIPE has ended, and says nothing', async (args) => {
    expect(await zt.run(args, unread)).toMatchObject({code: 141, stderr: ''})
  })

  it('a failure keeps its own exit code', async () => {
    expect((await zt.run(['token', 'list', '--json'], unread)).code).toBe(3)
  })
})
