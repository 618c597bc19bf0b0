import * as v from 'valibot'
import type {JsonObject} from '../../core/json.js'
import {UserError} from '../../core/errors.js'
import {firstFault} from '../../core/schema.js'
import {readNamedText} from '../../system/own-files.js'
import type {Foreseen} from '../edit/foresee.js'

const MOST_BYTES = 16 * 1024 * 1024

const named = v.looseObject({id: v.string(), name: v.string()})
const schema = v.looseObject({
  changes: v.array(
    v.looseObject({
      action: v.picklist(['create', 'replace', 'delete', 'make-reusable']),
      kind: v.picklist(['application', 'policy', 'inline-policy', 'group']),
      id: v.nullable(v.string()),
      placeholder: v.optional(v.string()),
      name: v.string(),
      application: v.nullable(named),
      fields: v.array(
        v.looseObject({field: v.string(), before: v.optional(v.unknown()), after: v.optional(v.unknown())}),
      ),
    }),
  ),
})

/**
 * Reads the changes of an edit as `zt … --dry-run --json` prints them.
 *
 * @throws UserError `usage` / `BAD_PLAN`
 */
export function readPlannedChanges(file: string): Foreseen[] {
  const content = readNamedText(file, {maxBytes: MOST_BYTES})
  if (content === undefined) throw bad(file, 'The file does not exist.')
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch {
    throw bad(file, 'It is not valid JSON.')
  }
  const parsed = v.safeParse(schema, value)
  if (!parsed.success) throw bad(file, `It is not the result of a dry run: ${firstFault(parsed.issues)}.`)
  return parsed.output.changes.map(({action, kind, id, placeholder, name, application, fields}): Foreseen => {
    const target = {kind, id: id ?? placeholder ?? '', name, application: application ?? undefined}
    const valuesOf = (which: 'before' | 'after'): JsonObject =>
      Object.fromEntries(
        fields.filter((one) => Object.hasOwn(one, which)).map((one) => [one.field, one[which] ?? undefined]),
      )
    return {action, target, fields: valuesOf('after'), before: valuesOf('before')}
  })
}

function bad(file: string, why: string): UserError {
  return new UserError({
    kind: 'usage',
    code: 'BAD_PLAN',
    message: `The edit in ${file} cannot be used`,
    why,
    next: ['Make it with a dry run: zt policy attach POLICY APP --dry-run --json > edit.json'],
  })
}
