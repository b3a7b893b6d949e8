<?php

return [
    'name' => 'Shop',
    'env' => env('APP_ENV', 'production'),
    'key' => 'base64:' . base64_encode(str_repeat('k', 32)),
    'cipher' => 'AES-256-CBC',
    'timezone' => 'UTC',
    'locale' => 'en',
    'providers' => Illuminate\Support\ServiceProvider::defaultProviders()->toArray(),
];
