import {tallySummary} from '../support/tally-summary.js'
import {countOf, TALLY_VARIABLE} from './tally.js'

/** Ends the run with the number of attacks of each family; a family without any fails it. */
export default tallySummary({
  name: 'attacks',
  variable: TALLY_VARIABLE,
  directory: import.meta.dirname,
  sumUp: (counted, partial) => {
    const counts = [...countOf(counted)]
    const missing = counts.filter(([, count]) => count === 0 && !partial)
    return {
      lines: counts
        .filter(([, count]) => count > 0 || !partial)
        .map(([family, count]) => `${family}: ${count}`),
      problems: missing.map(([family]) => `nothing was tried of "${family}"`),
    }
  },
})
