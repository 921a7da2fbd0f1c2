export type * from './io.ts'
