"""The flags of tensorflow_model_server that `infogan-serve` knows, by type.

From tensorflow_serving/model_servers/main.cc of tensorflow/serving; a FILE or FOLDER of this machine must exist.
"""

FILE, FOLDER = "file", "folder"

FLAGS: dict[str, type | str] = {
    # where it listens
    "port": int,
    "rest_api_port": int,
    "rest_api_num_threads": int,
    "rest_api_timeout_in_ms": int,
    "rest_api_enable_cors_support": bool,
    "grpc_socket_path": str,
    "grpc_max_threads": int,
    "grpc_channel_arguments": str,
    "use_alts_credentials": bool,
    "ssl_config_file": FILE,
    "enable_grpc_healthcheck_service": bool,
    "enable_serialization_as_tensor_content": bool,
    # which models
    "model_name": str,
    "model_base_path": FOLDER,
    "model_config_file": FILE,
    "model_config_file_poll_wait_seconds": int,
    "allow_version_labels_for_unavailable_models": bool,
    "file_system_poll_wait_seconds": int,
    "num_load_threads": int,
    "num_unload_threads": int,
    "max_num_load_retries": int,
    "load_retry_interval_micros": int,
    "saved_model_tags": str,
    "enable_signature_method_name_check": bool,
    "enable_model_warmup": bool,
    "num_request_iterations_for_warmup": int,
    "prefer_tflite_model": bool,
    "remove_unused_fields_from_bundle_metagraph": bool,
    "platform_config_file": FILE,
    "flush_filesystem_caches": bool,
    "num_tflite_pools": int,
    "num_tflite_interpreters_per_pool": int,
    # batching
    "enable_batching": bool,
    "batching_parameters_file": FILE,
    "enable_per_model_batching_parameters": bool,
    # how it computes
    "tensorflow_session_parallelism": int,
    "tensorflow_intra_op_parallelism": int,
    "tensorflow_inter_op_parallelism": int,
    "tensorflow_session_config_file": FILE,
    "thread_pool_factory_config_file": FILE,
    "mixed_precision": str,
    "per_process_gpu_memory_fraction": float,
    "xla_cpu_compilation_enabled": bool,
    "xla_gpu_compilation_enabled": bool,
    # monitoring
    "monitoring_config_file": FILE,
    "enable_profiler": bool,
}

PATHS = {name for name, kind in FLAGS.items() if kind in (FILE, FOLDER)}


def is_remote(path: str) -> bool:
    """Whether TensorFlow would read a path from elsewhere: gs://bucket/models, s3://..."""
    return "://" in path
