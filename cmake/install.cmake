# Installs the library, a CMake package and a pkg-config file.  Both find the library relative to
# themselves, so that an installed tree can be moved.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(FILES ${PROJECT_SOURCE_DIR}/include/pmqtt.h TYPE INCLUDE)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/bindings/c/adapters
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/pmqtt FILES_MATCHING PATTERN *.h)
install(FILES ${shared_dir}/${real_name} ${shared_dir}/${so_name} ${shared_dir}/${link_name}
              ${cargo_out}/libpmqtt.a
        TYPE LIB)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/pmqtt)
configure_package_config_file(
    ${CMAKE_CURRENT_LIST_DIR}/pmqttConfig.cmake.in ${PROJECT_BINARY_DIR}/pmqttConfig.cmake
    INSTALL_DESTINATION ${package_dir}
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR
    NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/pmqttConfigVersion.cmake
    COMPATIBILITY SameMinorVersion) # from 1.0 on: SameMajorVersion
install(FILES ${PROJECT_BINARY_DIR}/pmqttConfig.cmake ${PROJECT_BINARY_DIR}/pmqttConfigVersion.cmake
        DESTINATION ${package_dir})

file(RELATIVE_PATH pc_to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" pc_to_prefix ${pc_to_prefix})
file(RELATIVE_PATH prefix_to_lib ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH prefix_to_include ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
list(JOIN PMQTT_NATIVE_LIBS " " pc_native_libs)
configure_file(${CMAKE_CURRENT_LIST_DIR}/pmqtt.pc.in ${PROJECT_BINARY_DIR}/pmqtt.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/pmqtt.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
