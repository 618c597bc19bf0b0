import {UserError} from '../../core/errors.js'
import {ztCommand} from '../../core/command-line.js'
import {VERSION} from '../../core/version.js'
import {changesSince, type EarlierReport} from '../../report/changes.js'
import type {Report} from '../../report/types.js'
import type {AccessContext} from '../account/context.js'
import {readAuditFacts} from '../audit/read.js'
import {buildReport} from './build.js'

const DAY_SECONDS = 86_400
/** What counts as expiring, and as long without use: as `zt token audit` has it unless a flag says otherwise. */
const WINDOWS = {expiringSeconds: 30 * DAY_SECONDS, unusedSeconds: 90 * DAY_SECONDS}

/**
 * The access review of the profile's account or zone. What the API token may not read is left out, and the report says so.
 *
 * @param earlier a report of the same account to compare with
 * @throws ApiError `permission` if the API token may not list the service tokens
 * @throws UserError `conflict` / `OTHER_ACCOUNT` if the earlier report is of another account
 */
export async function makeReport(ctx: AccessContext, earlier?: EarlierReport): Promise<Report> {
  const api = await ctx.api()
  const id = api.zoneId ?? api.accountId ?? ''
  if (earlier && earlier.account.id !== id)
    throw new UserError({
      kind: 'conflict',
      code: 'OTHER_ACCOUNT',
      message: 'The earlier report is of another account',
      why: `It is of ${earlier.account.id}, and this one of ${id}.`,
      next: [ztCommand(ctx, 'report', '--html', 'report.html')],
    })
  const facts = await readAuditFacts(ctx, WINDOWS)
  const building = buildReport(facts, {account: {id, name: await nameOf(ctx, id)}, zt: VERSION})
  let step = building.next()
  for (; step.done !== true; step = building.next()) {
    ctx.progress.step('Making the report', step.value)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const report = step.value
  return {...report, changes: earlier ? changesSince(earlier, report) : null}
}

/** The name of the account or zone; null if the API token may not list it. */
async function nameOf(ctx: AccessContext, id: string): Promise<string | null> {
  const api = await ctx.api()
  try {
    const all: {id: string; name: string}[] =
      api.zoneId === undefined ? await api.listAccounts() : await api.listZones()
    return all.find((one) => one.id === id)?.name ?? null
  } catch (error) {
    if (error instanceof UserError && error.kind === 'permission') return null
    throw error
  }
}
