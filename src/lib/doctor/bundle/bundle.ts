import path from 'node:path'
import {UserError} from '../../core/errors.js'
import {redact} from '../../core/redact.js'
import {visibleJson} from '../../core/text.js'
import {createFileOnce} from '../../system/files.js'
import type {DoctorWorld, Finding} from '../types.js'
import {documentOf, tellForeign, type BundleDocument, type Section} from './document.js'
import type {Kind} from './piece.js'
import {leftIn, Replacer} from './replacer.js'

export interface Bundle {
  /** JSON, with a line break at the end. */
  text: string
  bytes: number
  sections: Section[]
  /** How many different things of each kind were replaced. */
  replaced: Partial<Record<Kind, number>>
}

export interface BundleOptions {
  world: DoctorWorld
  findings: readonly Finding[]
  /** The value of ssh's -F; undefined: the user's configuration and the system's. */
  sshConfig?: string | undefined
}

/**
 * A bug report without anything that is the person's own: no secret, and a placeholder in place of each name, ID, host,
 * address and path. Sends nothing and writes nothing.
 *
 * @throws UserError `conflict` / `BUNDLE_NOT_CLEAN` if something of it was left: then there is no bundle
 */
export async function makeBundle({world, findings, sshConfig}: BundleOptions): Promise<Bundle> {
  const document = await documentOf(world, findings, sshConfig)
  const first = new Replacer()
  await tellForeign(first, world, sshConfig)
  for (const {foreign = []} of findings) for (const text of foreign) first.know('name', text)
  first.render(document.pieces)
  // A foreign text may look like a placeholder: no other one gets that.
  const replacer = new Replacer(new Set(first.texts.map((text) => text.toLowerCase())))
  for (const text of first.texts) replacer.know(first.kindOf(text), text)
  return bundleOf(document, replacer)
}

/** @throws as {@link makeBundle} */
export function bundleOf({pieces, sections}: BundleDocument, replacer: Replacer): Bundle {
  const rendered = replacer.render(pieces)
  const {counts: replaced} = replacer
  const text = `${visibleJson(JSON.stringify(rendered, null, 2))}\n`
  if (leftIn(text, replacer.texts).length > 0 || redact(text) !== text) throw notClean()
  return {text, bytes: Buffer.byteLength(text), sections, replaced}
}

/**
 * Writes a bundle into a new file, which only this user may read.
 *
 * @throws UserError `conflict` / `FILE_EXISTS`; `not-written` / `FILE_NOT_WRITABLE`
 */
export async function saveBundle({text}: Bundle, file: string): Promise<void> {
  if (await createFileOnce(path.resolve(file), text)) return
  throw new UserError({
    kind: 'conflict',
    code: 'FILE_EXISTS',
    message: `${file} exists already`,
    why: 'zt overwrites no file with a bundle.',
    next: ['Give another name'],
    details: {file},
  })
}

/** Does not say what: it would be shown then. */
function notClean(): UserError {
  return new UserError({
    kind: 'conflict',
    code: 'BUNDLE_NOT_CLEAN',
    message: 'The bundle was not written',
    why: 'Its last check found a name, an ID or a secret that should have been replaced.',
    next: ['Report this as a bug in zt, with the output of zt version'],
  })
}
