import {tallySummary} from '../support/tally-summary.js'
import {sumUp, TALLY_VARIABLE, type Tally} from './tally.js'

/** Ends the run with one line of what all cases together came to; any failure fails it. */
export default tallySummary({
  name: 'faults',
  variable: TALLY_VARIABLE,
  directory: import.meta.dirname,
  sumUp: (counted, partial) =>
    sumUp(
      counted.map((line) => JSON.parse(line) as Tally),
      partial,
    ),
})
