# Builds the library with cargo and defines its targets for the build tree.

find_program(PMQTT_CARGO cargo PATHS $ENV{CARGO_HOME}/bin $ENV{HOME}/.cargo/bin REQUIRED)
set(PMQTT_CARGO_TARGET_DIR ${PROJECT_BINARY_DIR}/cargo
    CACHE PATH "Where cargo builds; several build trees may share one")

# The system libraries that the static library needs.  pmqtt::static and pmqtt.pc both read them here,
# and tests-c/packaging.sh compares them with rustc's list.  They are flags, not names: CMake would link
# a project's own target that is called `util`.
if(APPLE)
    set(PMQTT_NATIVE_LIBS -lssl -lcrypto -liconv -lSystem -lc -lm)
else()
    set(PMQTT_NATIVE_LIBS -lssl -lcrypto -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc)
endif()

set(version ${PROJECT_VERSION})
set(soversion ${PROJECT_VERSION_MAJOR}) # build.rs writes the same into the library
if(soversion EQUAL 0)
    string(APPEND soversion .${PROJECT_VERSION_MINOR})
endif()
if(APPLE)
    set(real_name libpmqtt.${version}.dylib)
    set(so_name libpmqtt.${soversion}.dylib)
    set(link_name libpmqtt.dylib)
else()
    set(real_name libpmqtt.so.${version})
    set(so_name libpmqtt.so.${soversion})
    set(link_name libpmqtt.so)
endif()

# Cargo names the directory of its `dev` profile `debug`.  Every build type except Debug is a release.
set(profile $<IF:$<CONFIG:Debug>,dev,release>)
set(cargo_out ${PMQTT_CARGO_TARGET_DIR}/$<IF:$<CONFIG:Debug>,debug,release>)
set(shared_dir ${PROJECT_BINARY_DIR}/lib/$<IF:$<CONFIG:Debug>,debug,release>)

# It runs at each build, because only cargo knows what is up to date.  Unchanged files keep their time,
# so nothing is linked again.  The crate types are named because cargo silently drops LTO if one of them
# is a Rust library.  The links exist because programs in the build tree look for the SONAME. The
# variables that are unset would mislead cargo: a job server that it cannot reach, or another output
# directory.
add_custom_target(pmqtt_cargo ALL
    COMMAND ${CMAKE_COMMAND} -E env --unset=MAKEFLAGS --unset=MFLAGS --unset=CARGO_BUILD_TARGET
            ${PMQTT_CARGO} rustc --lib --locked --profile ${profile} --crate-type cdylib,staticlib
            --target-dir ${PMQTT_CARGO_TARGET_DIR}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${shared_dir}
    COMMAND ${CMAKE_COMMAND} -E copy_if_different ${cargo_out}/${link_name} ${shared_dir}/${real_name}
    COMMAND ${CMAKE_COMMAND} -E create_symlink ${real_name} ${shared_dir}/${so_name}
    COMMAND ${CMAKE_COMMAND} -E create_symlink ${so_name} ${shared_dir}/${link_name}
    BYPRODUCTS
        ${cargo_out}/libpmqtt.a
        ${shared_dir}/${real_name} ${shared_dir}/${so_name} ${shared_dir}/${link_name}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    COMMENT "Building libpmqtt with cargo"
    USES_TERMINAL
    VERBATIM)

add_library(pmqtt::pmqtt SHARED IMPORTED GLOBAL)
set_target_properties(pmqtt::pmqtt PROPERTIES
    IMPORTED_LOCATION ${PROJECT_BINARY_DIR}/lib/release/${real_name}
    IMPORTED_LOCATION_DEBUG ${PROJECT_BINARY_DIR}/lib/debug/${real_name}
    IMPORTED_SONAME ${so_name})

add_library(pmqtt::static STATIC IMPORTED GLOBAL)
set_target_properties(pmqtt::static PROPERTIES
    IMPORTED_LOCATION ${PMQTT_CARGO_TARGET_DIR}/release/libpmqtt.a
    IMPORTED_LOCATION_DEBUG ${PMQTT_CARGO_TARGET_DIR}/debug/libpmqtt.a
    INTERFACE_LINK_LIBRARIES "${PMQTT_NATIVE_LIBS}")

# Programs find the adapters where they are after an install: in pmqtt/adapters.
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/include/pmqtt)
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/bindings/c/adapters ${PROJECT_BINARY_DIR}/include/pmqtt/adapters SYMBOLIC)

foreach(target pmqtt::pmqtt pmqtt::static)
    target_include_directories(${target} INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include)
    add_dependencies(${target} pmqtt_cargo)
endforeach()
