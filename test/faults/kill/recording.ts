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
  /** The how manieth of its label, from 1. */
  nth: number
  what: string
  /** What it does to which file or address, the same in every run. */
  label: string
}

export type Phase = 'before' | 'torn' | 'after'

/** When to die. */
export interface Death {
  /** What the label matches. */
  label: RegExp
  /** At the how manieth of that label; 1 if left out. */
  nth?: number
  phase: Phase
}

/** A moment of an effect that an earlier run had. */
export function deathAt({label, nth}: Pick<Effect, 'label' | 'nth'>, phase: Phase): Death {
  return {label: new RegExp(`^${label.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`), nth, phase}
}

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
  return {end, effects: lines.map((line) => JSON.parse(line) as Effect)}
}

function killing(home: string, log: string, death?: Death): NodeJS.ProcessEnv {
  return {
    NODE_OPTIONS: `--import ${inNodeOptions(pathToFileURL(PRELOAD).href)}`,
    KILL_HOME: home,
    KILL_LOG: log,
    ...(death && {
      KILL_PHASE: death.phase,
      KILL_LABEL: death.label.source,
      KILL_NTH: String(death.nth ?? 1),
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
