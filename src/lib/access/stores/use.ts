import {updateProfile} from '../../config/profiles.js'
import type {Settings} from '../../config/types.js'
import {UserError} from '../../core/errors.js'
import type {Secret} from '../../core/secret.js'
import {requireReady, type KeepingStoreKind} from '../../secrets/stores.js'
import {saveAndReadBack} from '../../secrets/credentials.js'
import {rehearse} from '../../secrets/rehearse.js'
import type {SecretStore} from '../../secrets/types.js'
import {
  createVaultIdentity,
  identityExists,
  identityTaken,
  readPassphraseFile,
} from '../../secrets/vault/identity.js'
import {checkRecipients} from '../../secrets/vault/recipients.js'
import {vaultIdentityFile} from '../../secrets/vault/vault.js'
import type {AccessContext} from '../account/context.js'

export interface UseStoreOptions {
  kind: KeepingStoreKind
  /** For the vault: encrypt to these, and make no identity. */
  recipients: string[]
  /** For the vault: make an identity that a passphrase protects. Called only when one can be made. */
  newPassphrase?: (() => Promise<Secret>) | undefined
  /** Asked before the API token is copied into a credential helper, whose entries others may read. */
  mayShareApiToken: (label: string) => Promise<boolean>
  dryRun: boolean
}

export interface UsedStore {
  store: Pick<SecretStore, 'kind' | 'label' | 'readable'>
  previous: KeepingStoreKind | undefined
  warning: string | undefined
  apiToken: ApiTokenMove
  /** Service tokens whose secrets are still in other stores. */
  left: {store: KeepingStoreKind; tokens: string[]}[]
}

/** What happened to the profile's API token, which is in the profile's store. */
export type ApiTokenMove =
  | {state: 'none'}
  | {state: 'there'; store: KeepingStoreKind}
  /** `copyLeft`: the old store did not delete its copy. */
  | {state: 'moved'; from: KeepingStoreKind; copyLeft: boolean}
  | {state: 'stays'; store: KeepingStoreKind; why: string}

/**
 * Makes a store the profile's own after it has passed a rehearsal, and moves the profile's API token there. Secrets of
 * service tokens stay where they are.
 *
 * @param settings those that `ctx` was opened with, including the new recipients
 * @throws UserError `usage` / `BAD_RECIPIENT`, `EMPTY_PASSPHRASE`; `conflict` / `IDENTITY_EXISTS`, `IDENTITY_LOST`; `needs-action` (store)
 */
export async function useStore(
  ctx: AccessContext,
  settings: Settings,
  options: UseStoreOptions,
): Promise<UsedStore> {
  const {kind, recipients, newPassphrase, dryRun} = options
  if (kind !== 'vault' && (newPassphrase || recipients.length > 0)) {
    throw new UserError({
      kind: 'usage',
      code: 'BAD_COMMAND_LINE',
      message: '--passphrase and --recipient are for the vault only',
      why: 'The other stores have their own protection.',
      next: ['zt store use vault'],
    })
  }
  await checkRecipients(recipients)
  const store = await ctx.storeOf(kind)
  if (newPassphrase) await makeIdentity(store, settings, newPassphrase, dryRun)
  ctx.progress.step('Checking the secret store')
  await requireReady(store, {write: true})
  if (!dryRun) await rehearse(store)
  const {warning} = await store.status()
  const apiToken = await copyApiToken(ctx, settings, store, options)
  if (!dryRun) {
    await updateProfile(settings.paths, ctx.profile, {
      store: kind,
      apiTokenStore: apiToken.state === 'stays' ? apiToken.store : undefined,
      ...(kind === 'vault' && {vaultRecipients: recipients.length > 0 ? recipients : undefined}),
    })
    // Not earlier: until here the profile named the old store.
    if (apiToken.state === 'moved') {
      const key = {kind: 'api-token', id: ctx.profile} as const
      const old = await ctx.storeOf(apiToken.from)
      apiToken.copyLeft = !(await old.delete(key).catch(() => false))
    }
  }
  return {
    store: {kind: store.kind, label: store.label, readable: store.readable},
    previous: settings.profileStore,
    warning,
    apiToken,
    left: await leftElsewhere(ctx, kind),
  }
}

async function makeIdentity(
  store: SecretStore,
  settings: Settings,
  newPassphrase: () => Promise<Secret>,
  dryRun: boolean,
): Promise<void> {
  const file = vaultIdentityFile({identityFile: settings.vaultIdentityFile, configDir: settings.paths.config})
  if (await identityExists(file)) throw identityTaken(file)
  if (((await store.list()) ?? []).length > 0) {
    throw new UserError({
      kind: 'conflict',
      code: 'IDENTITY_LOST',
      message: 'The vault has entries that a new identity could not open',
      why: `They were encrypted to another identity, which is not at ${file}.`,
      next: ['Restore the identity from a backup', 'zt store check'],
      details: {file},
    })
  }
  if (dryRun) return
  const {vaultPassphraseFile} = settings
  const passphrase =
    vaultPassphraseFile === undefined ? await newPassphrase() : await readPassphraseFile(vaultPassphraseFile)
  if (passphrase.isEmpty)
    throw new UserError({
      kind: 'usage',
      code: 'EMPTY_PASSPHRASE',
      message: 'The passphrase is empty',
      why: 'It would protect nothing. Without --passphrase, the permissions of the identity file protect it.',
      next: ['zt store use vault'],
    })
  await createVaultIdentity(file, passphrase)
}

/** Copies the API token and reads it back. The copy in the old store stays for now. */
async function copyApiToken(
  ctx: AccessContext,
  settings: Settings,
  store: SecretStore,
  {dryRun, mayShareApiToken}: Pick<UseStoreOptions, 'dryRun' | 'mayShareApiToken'>,
): Promise<ApiTokenMove> {
  const from = settings.apiTokenStore
  if (from === undefined) return {state: 'none'}
  const stays = (why: string): ApiTokenMove => ({state: 'stays', store: from, why})
  if (from === store.kind)
    return store.readable
      ? {state: 'there', store: from}
      : stays('It cannot be read there: set CLOUDFLARE_API_TOKEN.')
  if (!store.readable) return stays(`${store.label} cannot be read here, but zt must read the API token.`)
  const key = {kind: 'api-token', id: ctx.profile} as const
  let value: Secret | undefined
  try {
    const source = await ctx.storeOf(from)
    await requireReady(source, {write: true})
    value = await source.get(key)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return stays(`${error.message}.`)
  }
  if (!value) return {state: 'none'}
  if (!dryRun && store.kind.startsWith('helper:') && !(await mayShareApiToken(store.label)))
    return stays('It is left there.')
  const unchanged = `The profile and its API token in the ${from} are unchanged.`
  if (!dryRun) await saveAndReadBack(store, key, value, 'the API token', unchanged)
  return {state: 'moved', from, copyLeft: false}
}

async function leftElsewhere(ctx: AccessContext, kind: KeepingStoreKind): Promise<UsedStore['left']> {
  const elsewhere = (await ctx.index.list(ctx.profile)).filter(({store}) => store !== kind)
  return [...new Set(elsewhere.map(({store}) => store))].map((store) => ({
    store,
    tokens: elsewhere
      .filter((entry) => entry.store === store)
      .map(({name}) => name)
      .sort((a, b) => a.localeCompare(b)),
  }))
}
