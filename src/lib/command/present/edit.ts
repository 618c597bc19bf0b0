import {fieldChanges, type Change} from '../../access/edit/change.js'
import type {DescribedChange, DescribedField} from '../../access/edit/describe.js'
import {isNewId, type ObjectKind} from '../../access/edit/object.js'
import type {EditReach, NamedPlace} from '../../access/edit/reach.js'
import type {UndoRecord} from '../../access/edit/records.js'
import {columnsOf, style} from '../../cli/streams.js'
import {bounded} from '../../cli/styled.js'
import {table} from '../../cli/table.js'
import {wrapped} from '../../cli/wrapped.js'

/** The longest name in a headline, so that the change itself stays in sight. */
const LONGEST = 160

const VERBS: Record<Change['action'], string> = {
  create: 'new:',
  replace: 'change:',
  delete: 'delete:',
  'make-reusable': 'make reusable:',
}

/** The changed fields of each object: `-` for what is removed, `+` for what is added. */
export function editDiff(changes: readonly DescribedChange[], width = columnsOf('stdout')): string[] {
  return changes.flatMap(({action, what, fields}) => [
    ...wrapped(style.heading(`${VERBS[action]} ${bounded(what, LONGEST)}`), width),
    ...(action === 'make-reusable' ? [] : fields)
      // A new or deleted object has empty fields, too.
      .filter((field) => action === 'replace' || field.withheld || isSeen(field))
      .flatMap((field) => fieldLines(field, width)),
  ])
}

function fieldLines({field, removed, added, withheld}: DescribedField, width: number): string[] {
  const title = `  ${titleOf(field)}`
  if (withheld) return [`${title} ${style.secondary('(not shown: it may hold a secret)')}`]
  if (!isSeen({removed, added})) return [`${title} ${style.secondary('(empty, or in another order)')}`]
  return [
    title,
    ...removed.flatMap((line) => signed('-', line, width).map((one) => style.removed(one))),
    ...added.flatMap((line) => signed('+', line, width).map((one) => style.added(one))),
  ]
}

function isSeen({removed, added}: Pick<DescribedField, 'removed' | 'added'>): boolean {
  return removed.length + added.length > 0
}

function signed(sign: '-' | '+', text: string, width: number): string[] {
  const lead = `    ${sign} `
  return wrapped(text, width - lead.length).map((line, at) => (at === 0 ? lead : '      ') + line)
}

/** The dashboard's name. */
function titleOf(field: string): string {
  return field === 'decision' ? 'action' : field.replaceAll('_', ' ')
}

/** The JSON shape of a change: the changed fields of an object, before and after. */
export interface ChangeJson {
  action: Change['action']
  kind: ObjectKind
  /** Null for an object that would be created. */
  id: string | null
  /** By what later changes of the edit refer to an object that would be created. */
  placeholder?: string
  name: string
  application: {id: string; name: string} | null
  fields: object[]
}

export function editJson(changes: readonly Change[]): ChangeJson[] {
  return changes.map((change) => ({
    action: change.action,
    kind: change.target.kind,
    ...(isNewId(change.target.id) ? {id: null, placeholder: change.target.id} : {id: change.target.id}),
    name: change.target.name,
    application: change.target.application ?? null,
    fields: fieldChanges(change).map(({field, before, after, withheld}) =>
      withheld ? {field, withheld} : {field, before: before ?? null, after: after ?? null},
    ),
  }))
}

/** The JSON shape of an application that an edit opens or closes. */
export interface ReachJson extends Pick<NamedPlace, 'who' | 'tokens' | 'reach'> {
  /** The application's. */
  id: string | null
  name: string
  domain: string | null
}

export function reachJson(reach: EditReach | undefined): {
  opens: ReachJson[] | null
  closes: ReachJson[] | null
} {
  if (!reach || reach.unknown !== undefined) return {opens: null, closes: null}
  const shape = ({application: {id, name}, address, who, tokens, reach: how}: NamedPlace): ReachJson => ({
    id: isNewId(id) ? null : id,
    ...{name, domain: address ?? null, who, tokens, reach: how},
  })
  return {opens: reach.opens.map(shape), closes: reach.closes.map(shape)}
}

const STATES: Record<UndoRecord['state'], () => string> = {
  begun: () => style.caution('interrupted'),
  done: () => 'done',
  undone: () => style.secondary('undone'),
}

/** Recorded edits, the latest first. */
export function undoTable(records: readonly UndoRecord[]): string[] {
  return table(records, [
    {title: 'ID', value: ({id}) => style.command(id)},
    {title: 'WHEN', value: ({at}) => at.replace('T', ' ').replace(/:\d\d\.\d+Z$/, 'Z')},
    {title: 'WHAT', value: ({command}) => command},
    {title: 'STATE', value: ({state}) => STATES[state]()},
  ])
}

/** The JSON shape of an edit in the list. */
export function undoJson({id, at, command, state, undoes, undoneBy, changes}: UndoRecord): object {
  return {
    id,
    at,
    command,
    state,
    undoes: undoes ?? null,
    undoneBy: undoneBy ?? null,
    changes: changes.map(({action, target, fields}) => ({
      action,
      kind: target.kind,
      id: target.id,
      name: target.name,
      application: target.application ?? null,
      fields: fields.map(({field}) => field),
    })),
  }
}
