import fs from 'node:fs/promises'
import path from 'node:path'
import {pathToFileURL} from 'node:url'
import type {End, Scene} from '../scene.js'
import {inNodeOptions} from '../../support/node-options.js'

const PRELOAD = path.join(import.meta.dirname, 'kill-at.mjs')

/** One durable effect of a process, as counted by the preload. */
export interface Effect {
  /** From 1. */
  n: number
  what: string
  /** What it does to which file or address, the same in every run. */
  label: string
}

export type Phase = 'before' | 'torn' | 'after'

/** When to die. */
export type Death = {at: number; phase: Phase} | {label: string; phase: Phase}

/** Runs zt with its effects counted, and kills it at one of them on request. */
export async function recorded(
  scene: Pick<Scene, 'folder' | 'home' | 'run'>,
  args: string[],
  death?: Death,
): Promise<{end: End; effects: Effect[]}> {
  const log = path.join(scene.folder, 'effects')
  await fs.writeFile(log, '')
  const end = await scene.run(args, {env: killing(scene.home, log, death)})
  const lines = (await fs.readFile(log, 'utf8')).split('\n').filter(Boolean)
  const effects = lines.map((line) => JSON.parse(line) as Effect)
  return {end, effects: effects.map((effect) => ({...effect, label: sameEveryTime(effect.label)}))}
}

function killing(home: string, log: string, death?: Death): NodeJS.ProcessEnv {
  return {
    NODE_OPTIONS: `--import ${inNodeOptions(pathToFileURL(PRELOAD).href)}`,
    KILL_HOME: home,
    KILL_LOG: log,
    ...(death && {
      KILL_PHASE: death.phase,
      ...('at' in death ? {KILL_AT: String(death.at)} : {KILL_LABEL: death.label}),
    }),
  }
}

/**
 * The moments of an effect at which its process can die. After a sync and after a read is before what follows; before
 * the first of all effects nothing has been done.
 */
export function phasesOf({what, label}: Effect): Phase[] {
  if (what === 'sync' || label.startsWith('request GET')) return ['before']
  return what === 'write' ? ['before', 'torn', 'after'] : ['before', 'after']
}

/** Without IDs, process IDs and random parts. */
function sameEveryTime(label: string): string {
  return label
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/[0-9a-f]{32}/g, '<hex>')
    .replaceAll(/\b\d+-[0-9a-f]{12}\b/g, '<process>')
    .replaceAll(/\.\d+\.[0-9a-f]{8}\b/g, '.<temporary>')
}
