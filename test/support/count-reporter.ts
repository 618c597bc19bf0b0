import type {Reporter, TestModule} from 'vitest/node'

/** Ends every run with one line of counts, so that CI can read how much was tested. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>): void {
    const count = {passed: 0, failed: 0, skipped: 0}
    for (const module of modules) {
      let own = 0
      for (const test of module.children.allTests()) {
        own++
        const {state} = test.result()
        if (state === 'passed' || state === 'failed' || state === 'skipped') count[state]++
      }
      if (own === 0 && module.state() === 'failed') count.failed++
    }
    process.stdout.write(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`)
    if (process.env['ZT_TEST_SKIPS'] === 'none' && count.skipped > 0) {
      process.stderr.write('ZT_TEST_SKIPS=none: a skipped test is a failure here\n')
      process.exitCode = 1
    }
  }
}
