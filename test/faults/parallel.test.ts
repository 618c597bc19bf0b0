import {expect, it} from 'vitest'
import {IndexFiles} from '../../src/lib/secrets/index-files.js'
import {Scene} from './scene.js'
import {tally} from './tally.js'
import {faultsOf} from './verdict.js'

const COUNT = 200

it(`keeps ${COUNT} secrets that ${COUNT} processes make at the same time in one vault`, async () => {
  const scene = await Scene.open()
  try {
    await scene.reset()
    const names = Array.from({length: COUNT}, (_, at) => `parallel-${at}`)
    // All are started before the first has ended, and share the machine.
    const ends = await Promise.all(names.map((name) => scene.run(['token', 'create', name, '--json'])))
    const failed = ends.filter(({code}) => code !== 0).map(({stdout, stderr}) => stdout + stderr)
    const wrong = [...ends.flatMap((end) => scene.misconduct(end)), ...faultsOf(await scene.judge(true))]
    tally({kind: 'parallel', name: `${COUNT} at once`, wrong: [...failed, ...wrong]})
    expect(failed).toEqual([])
    expect(wrong).toEqual([])
    const made = scene.state.data.serviceTokens.map(({object}) => object['name'])
    expect(made).toEqual(expect.arrayContaining(names))
    expect(await new IndexFiles(scene.dataDir).list()).toHaveLength(COUNT + 1)
    const stored = (await scene.vault.list()).filter(({kind}) => kind === 'service-token')
    expect(stored).toHaveLength(COUNT + 1)
  } finally {
    await scene.close()
  }
})
