import {eachProblem, type FoundProblem} from '../../../access/stores/check.js'
import type {SurveyedStore} from '../../../access/stores/survey.js'
import {lockOf} from '../../../access/tokens/journal-entries.js'
import {editLock} from '../../../access/edit/lock.js'
import {ztCommand} from '../../../core/command-line.js'
import {UserError} from '../../../core/errors.js'
import type {IndexEntry} from '../../../secrets/index-files.js'
import {unusableFile} from '../../../system/own-files.js'
import {checkOf, commandAndGiven, type Says} from '../../finding.js'
import type {Check, DoctorWorld, Finding} from '../../types.js'
import {listing, removing} from '../../../core/shell-words.js'
import {requireDirectories} from './files.js'

const store = checkOf(
  {id: 'store', area: 'secrets', title: 'Secret store', doing: 'Checking the stores', local: true},
  async (world, says) => {
    const {settings} = world
    const problems: Finding[] = []
    const handle = (problem: FoundProblem): void => {
      // The check of setups says it.
      if (problem.code !== 'BROKEN_SETUP') problems.push(ofProblem(problem, says))
    }
    const {stores, entries} = await compared(world, handle)
    // A store that keeps nothing may be as it likes.
    const used: (string | undefined)[] = [
      settings.store,
      settings.apiTokenStore,
      ...entries.map(({store: kind}) => kind),
    ]
    const unusable = stores.filter((one) => one.state !== 'ready' && used.includes(one.store.kind))
    const warnings = stores.filter((one) => one.warning !== undefined && used.includes(one.store.kind))
    const found = [
      ...unusable.map((one) => ofStore(one, says)),
      ...warnings.map(({warning = ''}) => says.warn(withoutStop(warning), {at: 'warning'})),
      ...problems,
    ]
    if (found.length > 0) return found
    const chosen = stores.find((one) => one.store.kind === settings.store)
    if (!chosen)
      return [
        says.ok(
          settings.store === undefined ? 'none is chosen yet: the first secret chooses' : settings.store,
        ),
      ]
    return [says.ok(`${chosen.store.label}, ${entriesOf(chosen)}`)]
  },
)

/** @throws UserError as it was, which also says that the stores were not looked at */
async function compared(
  {ctx, settings}: DoctorWorld,
  handle: (problem: FoundProblem) => void,
): Promise<{stores: SurveyedStore[]; entries: IndexEntry[]}> {
  try {
    // What cannot be read in one directory is said even if another is none.
    await Promise.all([ctx.index.list(), ctx.index.bindings()])
    await requireDirectories(settings.paths)
    return {stores: await eachProblem(ctx, settings, handle, 'used'), entries: await ctx.index.list()}
  } catch (thrown) {
    const error = unusableFile(thrown)
    if (!(error instanceof UserError)) throw error
    throw error.with({why: [...error.whyLines, 'Until then, zt does not look at the stores.']})
  }
}

function entriesOf({complete, keys = []}: SurveyedStore): string {
  if (!complete) return 'an unknown number of entries'
  return keys.length === 1 ? '1 entry' : `${keys.length} entries`
}

function ofStore({store: {kind, label}, state, why, next}: SurveyedStore, says: Says): Finding {
  return says.fail(`${label} is ${state}`, {
    at: 'unusable',
    why,
    next: [...next],
    facts: {store: kind, state},
  })
}

/** In the words of `zt store check`. */
function ofProblem({code, what, subject, profile, next, repair}: FoundProblem, says: Says): Finding {
  const secret = ['INDEX_WITHOUT_SECRET', 'BINDING_WITHOUT_TOKEN', 'NO_SUCH_PROFILE'].includes(code)
  return says[secret ? 'fail' : 'warn'](withoutStop(what), {
    at: code.toLowerCase().replaceAll('_', '-'),
    next,
    facts: {subject},
    foreign: [subject, profile ?? ''],
    fix: repair && {
      what: `Repair as zt store check --fix does: ${what}`,
      apply: async () => {
        const {fixed, why} = await repair()
        if (!fixed) throw notRepaired(why)
      },
    },
  })
}

function notRepaired(why: string | undefined): UserError {
  return new UserError({kind: 'conflict', code: 'NOT_REPAIRED', message: 'It could not be repaired', why})
}

function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, '')
}

const journal = checkOf(
  {id: 'journal', area: 'secrets', title: 'Journal', doing: 'Reading the journal', local: true},
  async ({ctx}, says) => {
    const {entries, unread} = await ctx.journal.list()
    const found: Finding[] = [
      ...unread.damaged.map((file) =>
        says.fail(`${file} is damaged, so zt cannot tell what it was about`, {
          at: 'damaged',
          next: [listing(file), 'Move it away when no service token is missing a secret'],
        }),
      ),
      ...unread.newer.map((file) => newer(file, 'settle what it is about', says)),
    ]
    for (const entry of entries) {
      if (await ctx.locks.isHeld(lockOf(entry))) continue
      const what = entry.kind === 'create' ? 'creation' : 'rotation'
      const named = {profile: entry.profile, profileNamed: ctx.profileNamed || entry.profile !== ctx.profile}
      found.push(
        says.fail(`the ${what} of "${entry.name}" was interrupted and is not settled`, {
          at: entry.kind,
          foreign: [entry.name, entry.profile],
          why: `It began at ${entry.startedAt}.`,
          next: [ztCommand(named, 'token', 'recover')],
        }),
      )
    }
    return found.length > 0
      ? found
      : [says.ok(entries.length === 0 ? 'nothing is unfinished' : 'another zt is working')]
  },
)

const undo = checkOf(
  {id: 'undo', area: 'secrets', title: 'Edits', doing: 'Reading the undo records', local: true},
  async (world, says) => {
    const {records, unread} = await world.ctx.undo.list()
    const found: Finding[] = [
      ...unread.damaged.map((file) =>
        says.warn(`${file} is damaged: its edit cannot be undone`, {
          at: 'damaged',
          next: [removing(file)],
        }),
      ),
      ...unread.newer.map((file) => newer(file, 'undo its edit', says)),
    ]
    for (const {id, state, command, at, profile, accountId} of records) {
      if (state !== 'begun' || (await isEdited(world, accountId))) continue
      const named = {profile, profileNamed: world.ctx.profileNamed || profile !== world.ctx.profile}
      found.push(
        says.warn(`the edit ${id} was interrupted, and may be partly done`, {
          at: 'begun',
          foreign: [profile, ...commandAndGiven(command).given.filter((word) => !word.startsWith('--'))],
          why: `${command}, at ${at}.`,
          next: [ztCommand(named, 'undo', id)],
        }),
      )
    }
    return found.length > 0 ? found : [says.ok(`${records.length} can be undone`)]
  },
)

function newer(file: string, what: string, says: Says): Finding {
  return says.warn(`A newer zt wrote ${file}, and only that one can ${what}`, {
    at: 'newer',
    next: ['Install that zt or a newer one; zt version shows this one'],
  })
}

/** What `zt setup` made, for `zt setup --remove`. */
const setups = checkOf(
  {id: 'setup', area: 'secrets', title: 'Setups', doing: 'Reading the records of setups', local: true},
  async ({ctx}, says) => {
    const {records, unread} = await ctx.setups.list()
    const found = [
      ...unread.damaged.map((file) =>
        says.warn(`${file} is damaged: zt setup --remove cannot take its setup back`, {
          at: 'damaged',
          next: [listing(file), 'Move it away; zt undo takes back the edits of a setup'],
        }),
      ),
      ...unread.newer.map((file) => newer(file, 'take its setup back', says)),
    ]
    return found.length > 0 ? found : [says.ok(`${records.length} can be taken back`)]
  },
)

function isEdited({ctx}: DoctorWorld, accountId: string): Promise<boolean> {
  return ctx.locks.isHeld(editLock(accountId))
}

export const secretChecks: readonly Check[] = [store, journal, undo, setups]
