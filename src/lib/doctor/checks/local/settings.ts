import {configFile, readConfig, unknownSettings} from '../../../config/profiles.js'
import type {Settings} from '../../../config/types.js'
import {closest} from '../../../core/closest.js'
import {ENVIRONMENT_VARIABLES} from '../../../core/environment-variables.js'
import {UserError} from '../../../core/errors.js'
import {isFullPath} from '../../../system/platform.js'
import {trustContext} from '../../../tunnel/carrier/trust.js'
import {checkOf, type Says} from '../../finding.js'
import {SETTINGS} from '../../run.js'
import type {Check, DoctorWorld, Finding} from '../../types.js'
import {setting, unsetting} from '../../../core/shell-words.js'

const FROM: Record<Settings['profileSource'], string> = {
  flag: '--profile',
  environment: 'ZT_PROFILE',
  project: '.zt.json',
  profile: 'zt profile use',
  default: 'no other is chosen',
}

const settings = checkOf(
  {id: SETTINGS, area: 'zt', title: 'Settings', doing: 'Reading the settings', local: true},
  async (world, says) => {
    const {broken} = world
    // A variable may be what is wrong, and the file as well.
    if (broken) {
      const ofFile = await unknownNames(world, says).catch((error: unknown) =>
        error instanceof UserError && error.message !== broken.message ? [says.error(error)] : [],
      )
      return [says.error(broken), ...ofFile]
    }
    const {settings: used} = world
    const found = [...(await unknownNames(world, says)), ...(await caFile(used, says))]
    const {profileName, profileSource, profileExists} = used
    const exists = profileExists ? '' : ', not in the configuration yet'
    return found.length > 0 ? found : [says.ok(`profile ${profileName} (${FROM[profileSource]})${exists}`)]
  },
)

async function unknownNames({paths}: DoctorWorld, says: Says): Promise<Finding[]> {
  return unknownSettings(await readConfig(paths)).map(({name, known}) => {
    const meant = closest(name, known)
    return says.warn(`${configFile(paths)} has the setting ${name}, which zt does not know`, {
      at: 'unknown',
      foreign: [name],
      why: 'zt keeps it and does not use it.',
      next: [
        meant === undefined
          ? `Remove ${name} from the file`
          : `Rename it in the file to ${meant}, or remove it`,
      ],
    })
  })
}

async function caFile({caFile: file}: Settings, says: Says): Promise<Finding[]> {
  if (file === undefined) return []
  try {
    await trustContext(file)
    return []
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return [says.error(error, {at: 'ca-file'})]
  }
}

const KNOWN = ENVIRONMENT_VARIABLES.map(({name}) => name)

const environment = checkOf(
  {id: 'environment', area: 'zt', title: 'Environment', doing: 'Looking at the environment', local: true},
  async (world, says) => {
    const {env} = world
    const unknown = Object.keys(env)
      .filter((name) => name.startsWith('ZT_') && !KNOWN.includes(name))
      .map((name) => {
        const meant = closest(name, KNOWN)
        const instead = meant === undefined ? [] : [`If you meant ${meant}, set that one`]
        return says.warn(`${name} is set, and zt does not know it`, {
          at: 'unknown',
          next: [...instead, unsetting([name])],
        })
      })
    const ignored = [...unknown, ...relative(env, says)]
    // What else is there to say needs the settings.
    if (world.broken) return ignored.length > 0 ? ignored : [says.skipped('the settings could not be read')]
    const found = [...ignored, ...(await overridden(world, says))]
    const set = KNOWN.filter((name) => /^(ZT_|CLOUDFLARE_|CF_ACCESS_|TUNNEL_)/.test(name) && env[name])
    return found.length > 0
      ? found
      : [says.ok(set.length === 0 ? 'no variable of zt is set' : set.join(', '))]
  },
)

const BASES = ['XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME', 'XDG_CACHE_HOME']

/** A `~` in quotes is such a path, too: the shell leaves it as it is. */
function relative(env: NodeJS.ProcessEnv, says: Says): Finding[] {
  return BASES.filter((name) => env[name] && !isFullPath(env[name])).map((name) =>
    says.warn(`${name} is not a full path, and zt does not use it`, {
      at: 'relative',
      foreign: [env[name] ?? ''],
      why: `It is ${env[name] ?? ''}; zt uses the usual directory below the home instead.`,
      next: [unsetting([name])],
    }),
  )
}

/** Variables that make zt work otherwise than the profile says, or that do nothing. */
async function overridden({env, settings: used, paths, ctx}: DoctorWorld, says: Says): Promise<Finding[]> {
  const found: Finding[] = []
  const profile = (await readConfig(paths)).profiles[used.profileName]
  const instead = (
    variable: string,
    what: string,
    own: string | undefined,
    value: string | undefined,
  ): void => {
    if (own === undefined || value === undefined || own === value) return
    found.push(
      says.warn(`${variable} overrides ${what} of profile ${used.profileName}`, {
        at: variable.toLowerCase().replaceAll('_', '-'),
        foreign: [value, own],
        why: `It is ${value}; the profile has ${own}.`,
        next: [unsetting([variable])],
      }),
    )
  }
  if (used.accountSource === 'environment')
    instead('CLOUDFLARE_ACCOUNT_ID', 'the account', profile?.accountId, used.accountId)
  if (used.storeSource === 'environment') instead('ZT_STORE', 'the store', used.profileStore, used.store)
  if (env['ZT_CONNECT_TO'])
    instead('ZT_CONNECT_TO', "the edge's address", profile?.connectTo ?? "the host's own", used.connectTo)
  if (env['ZT_CA_FILE']) instead('ZT_CA_FILE', 'the CA', profile?.caFile, used.caFile)
  if (used.environmentApiToken && used.apiTokenStore !== undefined) {
    const store = await ctx.storeOf(used.apiTokenStore)
    // The check of the stores reports one that does not say.
    const has = await store.has({kind: 'api-token', id: used.profileName}).catch(() => false)
    if (has)
      found.push(
        says.warn(`CLOUDFLARE_API_TOKEN overrides the API token of profile ${used.profileName}`, {
          at: 'cloudflare-api-token',
          why: `The profile has its own in the ${used.apiTokenStore}.`,
          next: [unsetting(['CLOUDFLARE_API_TOKEN'])],
        }),
      )
  }
  const {withheld, doubts} = used
  if (withheld.apiToken)
    found.push(
      says.warn('CLOUDFLARE_API_TOKEN is set, and zt does not use it', {
        at: 'withheld-api-token',
        why: doubts.api,
        next: [unsetting(['CLOUDFLARE_API_TOKEN'])],
      }),
    )
  if (withheld.credentials)
    found.push(
      says.warn("the environment's service token is set, and zt does not use it", {
        at: 'withheld-pair',
        why: doubts.edge,
        next: [`To use it anyway, name the profile: ${setting('ZT_PROFILE', used.profileName)}`],
      }),
    )
  if (used.environmentHosts && !used.environmentCredentials && !withheld.credentials)
    found.push(
      says.warn('ZT_HOSTS is set, and the environment has no service token', {
        at: 'hosts-without-pair',
        why: 'It says which hosts that service token is for.',
        next: [unsetting(['ZT_HOSTS'])],
      }),
    )
  return found
}

export const settingsChecks: readonly Check[] = [settings, environment]
