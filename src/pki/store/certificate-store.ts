export * from '../certificate-store/store.ts'
