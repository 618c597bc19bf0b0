import * as v from 'valibot'
import {UserError} from '../../core/errors.js'
import {firstFault} from '../../core/schema.js'
import type {EarlierReport} from '../../report/changes.js'
import {DATA_ID, REPORT_FORM} from '../../report/types.js'
import {readNamedText} from '../../system/own-files.js'

/** Larger than any page that zt writes (docs/how-to/report.md). */
const MOST_BYTES = 256 * 1024 * 1024

const text = v.string()
const maybe = v.nullable(v.string())
const way = {rule: maybe, by: text, reach: text, conditions: v.array(text)}

/** What a comparison reads; other fields may be there. */
const schema = v.object({
  form: v.literal(REPORT_FORM),
  generatedAt: v.pipe(text, v.isoTimestamp()),
  account: v.object({id: text}),
  tokens: v.array(
    v.object({
      ...{id: text, name: text, status: v.picklist(['active', 'disabled', 'expired']), expiresAt: maybe},
      opens: v.array(
        v.object({
          ...way,
          application: text,
          by: v.picklist(['named', 'any-token', 'everyone', 'unknown']),
          reach: v.picklist(['yes', 'conditional']),
        }),
      ),
    }),
  ),
  applications: v.array(
    v.object({
      ...{id: text, name: text, addresses: v.array(text)},
      open: v.array(
        v.object({
          rule: text,
          by: v.picklist(['any-token', 'everyone']),
          reach: v.picklist(['yes', 'conditional']),
          conditions: v.array(text),
        }),
      ),
    }),
  ),
  rules: v.array(v.object({id: text, name: text})),
  findings: v.array(
    v.object({
      ...{kind: text, trap: maybe, about: text},
      ...{token: maybe, application: maybe, rule: maybe, group: maybe},
    }),
  ),
})

/**
 * A report that was made before: what `zt report --json` printed, or the page, which contains it.
 *
 * @throws UserError `not-found` / `NO_SUCH_FILE`; `usage` / `NOT_A_REPORT`; `config` / `FILE_NOT_READABLE`
 */
export function readEarlierReport(file: string): EarlierReport {
  const content = readNamedText(file, {maxBytes: MOST_BYTES})
  if (content === undefined)
    throw new UserError({
      kind: 'not-found',
      code: 'NO_SUCH_FILE',
      message: `There is no file ${file}`,
      why: '--since compares with a report that was made before.',
      next: ['Give the page or the JSON of an earlier zt report'],
    })
  return earlierReport(content, file)
}

/** The same from the text of the file. */
function earlierReport(content: string, file: string): EarlierReport {
  const json = content.trimStart().startsWith('<') ? jsonInPage(content) : content
  if (json === undefined) throw notAReport(file, 'It is a page that does not contain a report as JSON.')
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    throw notAReport(file, 'It is not valid JSON.')
  }
  const parsed = v.safeParse(schema, value)
  if (!parsed.success) throw notAReport(file, `In it, ${firstFault(parsed.issues)}.`)
  return parsed.output
}

function jsonInPage(page: string): string | undefined {
  const start = `<script type="application/json" id="${DATA_ID}">`
  const from = page.indexOf(start)
  const to = page.indexOf('</script>', from)
  return from < 0 || to < 0 ? undefined : page.slice(from + start.length, to)
}

function notAReport(file: string, why: string): UserError {
  return new UserError({
    kind: 'usage',
    code: 'NOT_A_REPORT',
    message: `${file} is not a report`,
    why,
    next: ['Give the page of zt report --html, or what zt report --json printed'],
    details: {file},
  })
}
