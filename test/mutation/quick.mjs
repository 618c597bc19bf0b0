import {beforeEach} from 'vitest'

/** Tests that go through hundreds of cases, each of which takes its time. Without them a round takes seconds. */
const LONG =
  /any edits of any application|a fault at any request|whatever that is|what is proposed removes it alone/

beforeEach(({task, skip}) => {
  const names = []
  for (let one = task; one; one = one.suite) names.unshift(one.name)
  if (LONG.test(names.join(' '))) skip()
})
