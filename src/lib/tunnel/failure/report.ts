import * as v from 'valibot'
import type {Environment} from '../../config/paths.js'
import {errorFacts} from '../../core/error-text.js'
import {BugError, UserError, type ErrorKind} from '../../core/errors.js'
import {isErrorKind} from '../../core/exit-codes.js'
import {redactJson} from '../../core/redact.js'
import {withoutMiddle} from '../../core/text.js'
import {parseOwnJson, readFileIfThere, writeFileAtomic} from '../../system/files.js'
import {RefusedError} from './refusal.js'

/** The file for a {@link ProxyReport}; undefined if `zt ssh` did not start this proxy. */
export function reportFile(env: Environment): string | undefined {
  return env['ZT_SSH_REPORT'] || undefined
}

const MOST_BYTES = 64 * 1024
const MOST_CHARACTERS = 4000

/** Made on demand, so that the proxy's bundle, which only writes, does not contain it. */
const schema = () => {
  const text = v.pipe(v.string(), v.maxLength(MOST_CHARACTERS))
  const optionalText = v.optional(text)
  return v.object({
    version: v.literal(2),
    host: text,
    tokenId: optionalText,
    clientId: optionalText,
    error: v.object({
      kind: v.union([v.literal('bug'), v.custom<ErrorKind>(isErrorKind)]),
      code: v.pipe(v.string(), v.regex(/^[A-Z][A-Z0-9_]{1,60}$/)),
      message: text,
      why: v.array(text),
      next: v.array(text),
      details: v.record(v.string(), v.unknown()),
      exitCode: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(255))),
    }),
    /** How the edge answered; absent for another failure. */
    answer: v.optional(
      v.object({
        by: v.picklist(['access', 'zone', 'unknown', 'service']),
        status: v.number(),
        reason: v.picklist([
          'login',
          'unauthenticated',
          'forbidden',
          'challenged',
          'rate-limited',
          'origin-down',
          'redirect',
          'other',
        ]),
        ray: optionalText,
        location: optionalText,
        credentials: v.optional(v.picklist(['accepted', 'not-accepted'])),
      }),
    ),
  })
}

/**
 * What `zt ssh proxy` leaves for `zt ssh` when it could not connect: the whole failure, in a 0600 file. No secrets. It is
 * read as data from outside, so its form and length are checked.
 */
export type ProxyReport = v.InferOutput<ReturnType<typeof schema>>

/**
 * What is too long to be read is left out: the middle of a text, and the details.
 *
 * @returns false where the file could not be written
 */
export async function writeReport(
  file: string,
  {
    error,
    ...connection
  }: {host: string; tokenId: string | undefined; clientId: string | undefined; error: unknown},
): Promise<boolean> {
  const {kind, code, message, details, whyLines, next} = errorFacts(error)
  const report: ProxyReport = {
    version: 2,
    ...connection,
    error: {
      kind,
      code,
      message,
      details: {...details},
      why: [...whyLines],
      next: [...next],
      exitCode: error instanceof UserError ? error.exitCode : undefined,
    },
    answer: error instanceof RefusedError ? error.answer : undefined,
  }
  const whole = inJson(report)
  const fits = Buffer.byteLength(whole) <= MOST_BYTES
  const content = fits ? whole : inJson({...report, error: {...report.error, details: {}}})
  return writeFileAtomic(file, content).then(
    () => true,
    () => false,
  )
}

/** A secret is replaced while it is still whole. */
function inJson(report: ProxyReport): string {
  return JSON.stringify(redactJson(report), (_name, value: unknown) =>
    typeof value === 'string' ? withoutMiddle(value, MOST_CHARACTERS) : value,
  )
}

/** Undefined where there is none that can be read: ssh has then said what there is to say. */
export async function readReport(file: string): Promise<ProxyReport | undefined> {
  const content = await readFileIfThere(file, {maxBytes: MOST_BYTES})
    .then((json) => (json === undefined ? undefined : parseOwnJson(json, file)))
    .catch(() => undefined)
  const parsed = v.safeParse(schema(), content)
  return parsed.success ? parsed.output : undefined
}

/** The failure as the proxy had it. */
export function errorOf({
  host,
  error,
  answer,
}: Pick<ProxyReport, 'host' | 'error' | 'answer'>): UserError | BugError {
  if (answer) return new RefusedError(host, answer)
  const {kind, message} = error
  return kind === 'bug' ? new BugError(message) : new UserError({...error, kind})
}
