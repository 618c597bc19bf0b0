import {expect, it} from 'vitest'
import {commandTests} from '../support/command-harness.js'

const scene = commandTests('report')

it('x', async () => {
  console.log(JSON.stringify(await scene.zt.json('report'), null, 1))
  console.log((await scene.zt.run('report')).stdout)
})
