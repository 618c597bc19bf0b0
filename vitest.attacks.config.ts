import {BaseSequencer, type TestSpecification} from 'vitest/node'
import {suite} from './test/support/suite.js'

/** It waits for the most part, and longest: beside the others, and not alone at the end. */
const FIRST = /answers\.test\.ts$/

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isFirst = ({moduleId}: TestSpecification): boolean => FIRST.test(moduleId)
    return [...sorted.filter(isFirst), ...sorted.filter((file) => !isFirst(file))]
  }
}

/** Hostile servers, files, texts, environments and clients against the built zt, which wait for each other two thirds of the time. */
export default suite('test/attacks', {
  maxWorkers: 4,
  sequence: {sequencer: LongestFirst},
  globalSetup: ['test/attacks/summary.ts'],
})
