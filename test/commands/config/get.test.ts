import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('config get')

it('prints the value that the next command uses, and nothing where there is none', async () => {
  const {zt} = scene
  expect((await zt.run('config get store')).stdout).toBe('vault\n')
  expect((await zt.run('config get ca-file')).stdout).toBe('')
  expect(await zt.json('config get account --account a1')).toMatchObject({value: 'a1', source: 'flag'})
  expect(await zt.json('config get ca-file')).toMatchObject({value: null, source: null})
  await zt.fails('config get colour', 'usage', 'BAD_COMMAND_LINE')
  await zt.fails('config get', 'usage', 'BAD_COMMAND_LINE')
})
